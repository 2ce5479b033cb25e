"""The units that are known, by definition. How they are read and compared: `units.py`."""

from __future__ import annotations

from fractions import Fraction as F

SI: dict[str, tuple[str, int | F]] = {
    "m": ("length", 1), "g": ("mass", F(1, 1000)), "s": ("time", 1), "A": ("current", 1),
    "K": ("kelvin", 1), "mol": ("amount", 1), "cd": ("light", 1),
}  # fmt: skip


DERIVED = {
    "L": "dm^3", "l": "dm^3", "Hz": "1/s", "N": "kg*m/s^2", "Pa": "N/m^2", "J": "N*m", "W": "J/s",
    "C": "A*s", "V": "J/C", "Ω": "V/A", "F": "C/V", "T": "V*s/m^2", "Wb": "V*s", "H": "V*s/A",
    "S": "A/V",
}  # fmt: skip


SCALED: dict[str, tuple[int | F, str]] = {
    "min": (60, "s"), "h": (3600, "s"), "hr": (3600, "s"), "day": (86400, "s"),
    "week": (604800, "s"), "fortnight": (1209600, "s"), "decade": (120, "month"),
    "year": (12, "month"), "century": (1200, "month"),
    "t": (1000, "kg"), "lb": (F("0.45359237"), "kg"), "oz": (F("0.45359237") / 16, "kg"),
    "ton": (1000, "kg"), "stone": (F("6.35029318"), "kg"),
    "in": (F("0.0254"), "m"), "ft": (F("0.3048"), "m"), "yd": (F("0.9144"), "m"),
    "mile": (F("1609.344"), "m"), "mi": (F("1609.344"), "m"), "nmi": (1852, "m"),
    "acre": (F("4046.8564224"), "m^2"), "ha": (10**4, "m^2"),
    "gallon": (231, "in^3"), "quart": (F(231, 4), "in^3"), "pint": (F(231, 8), "in^3"),
    "cup": (F(231, 16), "in^3"), "cc": (1, "cm^3"), "mph": (1, "mile/h"), "kph": (1, "km/h"),
    "kmh": (1, "km/h"), "knot": (1, "nmi/h"), "cal": (F("4.184"), "J"), "Cal": (4184, "J"),
    "Wh": (3600, "J"), "eV": (F("1.602176634e-19"), "J"), "erg": (F(1, 10**7), "J"),
    "dyne": (F(1, 10**5), "N"), "atm": (101325, "Pa"), "bar": (10**5, "Pa"),
    "torr": (F(101325, 760), "Pa"), "mmHg": (F("133.322387415"), "Pa"),
    "cent": (F(1, 100), "dollar"), "penny": (F(1, 100), "dollar"), "nickel": (F(1, 20), "dollar"),
    "pence": (F(1, 100), "£"),
    "斤": (F(1, 2), "kg"), "角": (F(1, 10), "元"), "分": (F(1, 100), "元"),
    "Å": (F(1, 10**10), "m"), "angstrom": (F(1, 10**10), "m"),
}  # fmt: skip


PREFIXES = {
    "k": 3, "M": 6, "G": 9, "T": 12, "d": -1, "c": -2, "m": -3, "μ": -6, "u": -6, "n": -9,
    "p": -12, "f": -15, "h": 2,
}  # fmt: skip


PREFIX_NAMES = {
    "kilo": 3, "mega": 6, "giga": 9, "tera": 12, "deci": -1, "centi": -2, "milli": -3, "micro": -6,
    "nano": -9, "pico": -12, "hecto": 2,
}  # fmt: skip


PREFIXED = frozenset({
    "m", "g", "s", "A", "K", "mol", "L", "l", "Hz", "N", "Pa", "J", "W", "C", "V", "Ω", "F", "T",
    "Wb", "H", "S", "cal", "eV", "Wh", "bar",
})  # fmt: skip


NAMES = {
    "meter": "m", "metre": "m", "gram": "g", "gramme": "g", "gm": "g", "second": "s", "sec": "s",
    "ampere": "A", "amp": "A", "kelvin": "K", "mole": "mol", "candela": "cd", "liter": "L",
    "litre": "L", "hertz": "Hz", "newton": "N", "pascal": "Pa", "joule": "J", "watt": "W",
    "coulomb": "C", "volt": "V", "ohm": "Ω", "farad": "F", "tesla": "T", "weber": "Wb",
    "henry": "H", "minute": "min", "hour": "h", "hrs": "h", "tonne": "t", "pound": "lb",
    "lbs": "lb", "ounce": "oz", "inch": "in", "inches": "in", "foot": "ft", "feet": "ft",
    "yard": "yd", "hectare": "ha", "calorie": "cal", "penn": "penny", "pennies": "penny",
    "centuries": "century", "electronvolt": "eV", "usd": "dollar", "buck": "dollar",
    "deg": "degree", "rad": "radian", "rmb": "元", "yuan": "元", "cny": "元", "mon": "month",
    "eur": "euro", "yr": "year", "wk": "week", "gal": "gallon", "micron": "μm",
}  # fmt: skip


CHINESE = {
    "米": "m", "公里": "km", "千米": "km", "分米": "dm", "厘米": "cm", "毫米": "mm", "微米": "μm",
    "克": "g", "千克": "kg", "公斤": "kg", "毫克": "mg", "吨": "t", "秒": "s", "秒钟": "s",
    "分钟": "min", "小时": "h", "时": "h", "天": "day", "日": "day", "星期": "week", "周": "week",
    "月": "month", "个月": "month", "年": "year", "升": "L", "毫升": "mL", "公顷": "ha",
    "度": "degree", "弧度": "radian", "元": "元", "圆": "元", "块钱": "元", "块": "元",
    "美元": "dollar", "欧元": "euro",
    "牛": "N", "牛顿": "N", "焦": "J", "焦耳": "J", "瓦": "W", "千瓦": "kW", "伏": "V",
    "伏特": "V", "安": "A", "安培": "A", "欧": "Ω", "欧姆": "Ω", "帕": "Pa", "帕斯卡": "Pa",
    "赫兹": "Hz", "摩尔": "mol", "开": "K", "角": "角", "人民币": "元",
    "美分": "cent", "千焦": "kJ", "千牛": "kN", "千帕": "kPa", "兆瓦": "MW", "千瓦时": "kWh",
    "毫安": "mA", "毫秒": "ms",
    "平方": "m^2", "立方": "m^3",
}  # fmt: skip


BASE = ("month", "dollar", "元", "euro", "£", "yen")


SIGNS = {"¤": "dollar", "$": "dollar", "¥": "元", "€": "euro", "£": "£", "Ω": "Ω"}


GENERIC = frozenset({"unit", "units", "square units", "cubic units", "units^2", "units^3",
                      "square unit", "sq units", "sq. units", "单位", "平方单位"})  # fmt: skip


NOT_NOUNS = frozenset({
    "or", "and", "not", "maybe", "plus", "minus", "but", "if", "than", "more", "less", "about",
    "approximately", "almost", "per", "over", "nearly", "around", "between", "to", "is", "are",
    "was", "be", "equals", "equal", "least", "most", "at", "divided", "by", "dozen", "hundred",
    "thousand", "million", "billion", "trillion", "half", "halves", "thirds", "fourths", "fifths",
    "sixths", "sevenths", "eighths", "ninths", "tenths", "hundredths", "thousandths", "either",
    "perhaps", "possibly", "probably", "actually", "wait", "no", "squared", "cubed", "mod",
    "modulo", "with", "without", "except", "versus", "vs", "points", "remainder", "percent", "pi",
    "sqrt", "log", "ln", "sin", "cos", "tan", "exp", "infinity", "infinite", "from", "ago", "alpha",
    "beta", "gamma", "delta", "epsilon", "theta", "lambda", "sigma", "omega", "phi", "rho",
}) - {"points"}  # fmt: skip


SCALE_WORDS = {
    "hundred": 10**2, "thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12,
    "dozen": 12,
}  # fmt: skip


TEMPERATURES = {
    "°C": (F(1), F("273.15")),
    "°F": (F(5, 9), F("459.67") * F(5, 9)),
}


TEMPERATURE_NAMES = {
    "degrees celsius": "°C", "celsius": "°C", "摄氏度": "°C", "degree celsius": "°C",
    "degrees fahrenheit": "°F", "fahrenheit": "°F", "华氏度": "°F", "° celsius": "°C",
    "° fahrenheit": "°F", "degrees c": "°C", "degrees f": "°F", "° C": "°C", "° F": "°F",
}  # fmt: skip
