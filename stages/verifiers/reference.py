"""What stands in a column of references, as text: the same for every file and command."""

from __future__ import annotations

import json
import math
from typing import Any

#: What tables write where there is nothing. "None" is what Python writes, and no answer of maths.
_NOTHING = frozenset({"", "n/a", "#n/a", "nan", "null", "<na>"})
_NO_NUMBER = frozenset({"none", "-", "?"})
MATHS = "math"


def reference_of(value: Any, verifier: Any = "") -> str | None:
    """A reference as text; None where there is none: null, NaN, N/A, an empty text.

    A number stands for itself (27.0 is 27), a list or an object for its JSON text.
    """
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return None
    if isinstance(value, str):
        return None if _is_nothing(value, verifier) else value
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return json.dumps(value, ensure_ascii=False)


def _is_nothing(text: str, verifier: Any) -> bool:
    said = text.strip().lower()
    return said in _NOTHING or (verifier == MATHS and said in _NO_NUMBER)
