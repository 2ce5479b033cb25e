r"""Chemical formulas: H2SO4, \mathrm{H}_{2}\mathrm{SO}_{4}, \text{Fe}^{3+}, \ce{CO2}, 2Na^+.

Case tells carbon monoxide from cobalt, so they are compared letter by letter. Without digits, a
charge or \ce only a compound in mixed case is one: HCl, and neither Co nor BOB.
"""

from __future__ import annotations

import re
import unicodedata

from stages.verifiers.maths.reader.letters import with_scripts

_ELEMENTS = frozenset({
    "H", "He", "Li", "Be", "B", "C", "N", "O", "F", "Ne", "Na", "Mg", "Al", "Si", "P", "S", "Cl",
    "Ar", "K", "Ca", "Sc", "Ti", "V", "Cr", "Mn", "Fe", "Co", "Ni", "Cu", "Zn", "Ga", "Ge", "As",
    "Se", "Br", "Kr", "Rb", "Sr", "Y", "Zr", "Nb", "Mo", "Tc", "Ru", "Rh", "Pd", "Ag", "Cd", "In",
    "Sn", "Sb", "Te", "I", "Xe", "Cs", "Ba", "La", "Ce", "Pt", "Au", "Hg", "Tl", "Pb", "Bi", "Po",
    "At", "Rn", "Fr", "Ra", "Ac", "Th", "Pa", "U", "W", "Re", "Os", "Ir", "Hf", "Ta",
})  # fmt: skip
_SHORT = frozenset(["CO", "NO", "HI", "HF", "KI", "KF", "KOH", "HCN", "H", "OH"])
_LONGEST = 60
_DRESS = re.compile(r"\\(?:ce|mathrm|text|rm|mathsf|,|!|left|right)(?![a-z])|[{}$\s_]|\\[()]")
_FORMULA = re.compile(
    r"(\d{0,2})((?:[A-Z][a-z]?\d{0,3}|[(\[](?:[A-Z][a-z]?\d{0,3}){1,6}[)\]]\d{0,2}){1,12})"
    r"(?:\^?(\d?[+-]|[+-]\d)|\^(\d?))?"
)
_ARROW = re.compile(r"\\(?:to|rightarrow|longrightarrow)(?![a-z])|->|→")
_CAPITAL = re.compile("[A-Z]")
_SYMBOL = re.compile(r"[A-Z][a-z]?")


def read_chemical(text: str, plain: str = "") -> str | None:
    """One name for a formula however it is written, or None; `plain`: the same text, tidied."""
    return None if "=" in plain or "*" in plain else _read(text, surely=True)


def same_chemical(name: str, text: str) -> bool:
    """Whether a text, read as a formula, is the one of a name that `read_chemical` gave."""
    return _read(text, surely=False) == name


def _read(text: str, surely: bool) -> str | None:
    if len(text) > _LONGEST or not _CAPITAL.search(text):
        return None
    sides = _ARROW.split(text)
    if len(sides) == 2:
        return _reaction(sides)
    marked = "\\ce" in text
    bare = _DRESS.sub("", unicodedata.normalize("NFKC", with_scripts(text)).replace("−", "-"))
    found = _FORMULA.fullmatch(bare)
    if found is None or not all(symbol in _ELEMENTS for symbol in _SYMBOL.findall(found[2])):
        return None
    if surely and not (marked or _is_sure(found[2], found[3] or "", text)):
        return None
    if len(_SYMBOL.findall(found[2])) == 1 and found[3] in ("+", "-") and found[2][-1].isdigit():
        found = _FORMULA.fullmatch(f"{found[1]}{found[2][:-1]}^{found[2][-1]}{found[3]}") or found
    charge = "".join(sorted(found[3] or "", reverse=True))  # 2+ and +2
    return f"chemical {found[1]}{found[2].replace('[', '(').replace(']', ')')}^{charge}"


def _reaction(sides: list[str]) -> str | None:
    """2H2 + O2 -> 2H2O, the terms of each side in any order."""
    read = [[_read(term.strip("{} "), surely=False) for term in side.split("+")] for side in sides]
    if any(term is None for terms in read for term in terms):
        return None
    return "chemical " + " to ".join(" + ".join(sorted(map(str, terms))) for terms in read)


def _is_sure(body: str, charge: str, text: str) -> bool:
    symbols = _SYMBOL.findall(body)
    several = len(symbols) > 1
    if several and len(set(symbols)) == 1:  # FF_{16} is a numeral
        return False
    counted = any(letter.isdigit() for letter in body)
    worded = "\\text" in text or "\\mathrm" in text
    if len(symbols) == 1 and body == symbols[0] and not charge:  # \text{Co}
        return worded and len(body) == 2 and body not in ("No", "He", "As", "In", "At", "Be", "I")
    if "(" in body and counted:  # Ca(OH)_2
        return several
    if charge:
        return worded or len(max(symbols, key=len)) > 1 or counted
    if counted:
        return (worded or "_" not in text) and (several or body[0] in "HONF")
    mixed = any(letter.islower() for letter in body) and several
    return (mixed and worded) or (body in _SHORT and worded and several)
