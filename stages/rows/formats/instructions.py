"""Instructions whose following a program can check: the prompt as it stands, no reference.

    IFEval  {"key": 1000, "prompt": "Write a 300+ word summary… Do not use any commas…",
             "instruction_id_list": ["punctuation:no_comma", "length_constraints:number_words"],
             "kwargs": [{}, {"relation": "at least", "num_words": 300}]}

On the hub every object of `kwargs` has all names of all instructions, most of them null.
"""

from __future__ import annotations

from stages.rows.files import BadRow, Raw
from stages.rows.formats.columns import list_of, problem, text_of
from stages.rows.schemas import Row
from stages.rows.sources import Origin


def ifeval(row: Raw, origin: Origin) -> Row:
    types, kwargs = list_of(row, "instruction_id_list"), list_of(row, "kwargs")
    if len(types) != len(kwargs):
        raise BadRow(f"{len(types)} instructions with {len(kwargs)} `kwargs`")
    given = [{k: v for k, v in (one or {}).items() if v is not None} for one in kwargs]
    facts = {"instruction_id_list": types, "kwargs": given, "key": row.get("key")}
    return problem("general", text_of(row, "prompt"), "instruction", "", **facts)
