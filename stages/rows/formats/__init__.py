"""The formats of the real data sets: one raw row → the columns of a problem that it decides.

Each module shows a real row of every format that it reads. A benchmark is a file of `conf/data`
with one of these names as its `format`; docs/benchmarks.md lists them.
"""

from __future__ import annotations

from stages.rows.formats import choice, code, instructions, maths, own, puzzles
from stages.rows.sources import Format

FORMATS = {
    "gsm8k": Format(maths.gsm8k),
    "math500": Format(maths.competition),
    "mgsm": Format(maths.mgsm, columns=("question", "answer_number")),
    "cmath": Format(maths.cmath),
    "math": Format(maths.competition),
    "aime": Format(maths.competition),
    "amc": Format(maths.competition),
    "olymmath": Format(maths.olymmath),
    "minerva": Format(maths.competition),
    "middle_school": Format(maths.middle_school),
    "mmlu": Format(choice.mmlu, columns=choice.MMLU_COLUMNS),
    "mmlu_stem": Format(choice.mmlu_stem, columns=choice.MMLU_COLUMNS),
    "mmlu_pro": Format(choice.mmlu_pro),
    "gpqa": Format(choice.gpqa),
    "ceval": Format(choice.ceval),
    "agieval": Format(choice.agieval),
    "humaneval": Format(code.humaneval),
    "mbpp": Format(code.mbpp),
    "ifeval": Format(instructions.ifeval),
    "bbh": Format(puzzles.bbh),
    "knights_knaves": Format(puzzles.knights_knaves),
    "game24": Format(puzzles.game24),
    "countdown": Format(puzzles.countdown),
    "arc_agi_1": Format(puzzles.arc),
    "constraints": Format(instructions.constraints, whole=False),
    "problems": Format(own.own, whole=False),
}
