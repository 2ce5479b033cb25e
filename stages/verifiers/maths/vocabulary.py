r"""The names that mathematics is written with: one list of each kind, for reader and judges.

A function has one name here, however it is spelt: `asin`, `\arcsin` and `\sin^{-1}` are "arcsin".
"""

from __future__ import annotations

#: Functions by their one name, with other spellings of it.
_SPELLINGS = {
    "sin": "", "cos": "", "tan": "tg", "cot": "ctg cotan", "sec": "", "csc": "cosec",
    "arcsin": "asin", "arccos": "acos", "arctan": "atan arctg", "arccot": "acot arcctg",
    "arcsec": "asec", "arccsc": "acsc",
    "sinh": "", "cosh": "", "tanh": "", "coth": "", "sech": "", "csch": "cosech",
    "arsinh": "asinh arcsinh", "arcosh": "acosh arccosh", "artanh": "atanh arctanh",
    "arcoth": "acoth arccoth",
    "ln": "", "lg": "", "log": "", "exp": "", "max": "", "min": "", "gcd": "GCD hcf HCF gcf GCF",
    "lcm": "LCM", "floor": "", "ceil": "", "abs": "", "sgn": "sign signum", "cis": "", "arg": "Arg",
    "Re": "", "Im": "", "erf": "",
}  # fmt: skip
FUNCTIONS = {
    spelling: name for name, others in _SPELLINGS.items() for spelling in (name, *others.split())
}
INVERSES = {
    "sin": "arcsin", "cos": "arccos", "tan": "arctan", "cot": "arccot", "sec": "arcsec",
    "csc": "arccsc", "sinh": "arsinh", "cosh": "arcosh", "tanh": "artanh", "coth": "arcoth",
}  # fmt: skip

#: Greek letters as commands, and the variants that are the same letter.
GREEK = frozenset({
    "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa",
    "lambda", "mu", "nu", "xi", "rho", "sigma", "tau", "upsilon", "phi", "chi", "psi",
    "omega", "Gamma", "Delta", "Theta", "Lambda", "Xi", "Pi", "Sigma", "Upsilon", "Phi",
    "Psi", "Omega", "ell", "hbar",
})  # fmt: skip
VARIANTS = {"varepsilon": "epsilon", "vartheta": "theta", "varphi": "phi", "varrho": "rho"}

#: Read without a backslash, each as the command beside it; "xi" is x·i.
PLAIN = {
    **{name: f"\\{name}" for name in GREEK if len(name) > 3 and name != "hbar"},
    "pi": "\\pi", "phi": "\\phi", "rho": "\\rho", "sqrt": "\\sqrt", "cbrt": "\\cbrt",
    "infty": "\\infty", "inf": "\\infty", "infinity": "\\infty", "infin": "\\infty",
    "oo": "\\infty", "deg": "\\circ", "degrees": "\\circ", "degree": "\\circ", "mod": "\\bmod",
    "in": "\\in", "union": "\\cup", "except": "\\setminus", "binom": "\\binom",
    "frac": "\\frac",
}  # fmt: skip

#: Words that join statements, by what they do.
CONNECTIVES = {
    "or": "or", "and": "and", "if": "if", "for": "if", "when": "if", "where": "where",
    "with": "where", "otherwise": "otherwise", "else": "otherwise",
}  # fmt: skip
