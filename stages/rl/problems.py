"""The problems of an RL stage: all rows of `data_from`, and which of them must still be proved.

Rows that a stage has proved by the same verifiers (kind prove_problems) are not proved again, and
those among them that had nothing to prove are taken as they are. Answers that no rule can judge
(verifier generative) can be sampled, with a judge, and not rewarded: such rows of a proved set are
left out. Of any other set, one bad reference stops the stage: the set was made by hand or not
looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipeline.artifact import Inputs, of_type
from stages.proving.proof import GENERATIVE
from stages.proving.proved import covers
from stages.rewards.queries import require_kinds
from stages.rl.prompts import Prompt
from stages.rows.schemas import Row, read_rows

if TYPE_CHECKING:
    from stages.kinds.rl.config import RLConfig


@dataclass
class Problems:
    """rows: in the order of their stages. no_rule: rows left out, which only a model can judge."""

    rows: list[Row] = field(default_factory=list)
    no_rule: int = 0
    _unproved: set[int] = field(default_factory=set)  # identities of rows

    @classmethod
    def of(cls, config: RLConfig, inputs: Inputs, stage: str) -> Problems:
        """The problems of `data_from`; general queries are of one kind each, where that matters."""
        problems = cls()
        for data in of_type(inputs, "data_from", "problems"):
            own = read_rows(data.rows_path)
            asked = [row for row in own if not config.domains or row["domain"] in config.domains]
            require_kinds(config.rewards, asked, data.stage, stage)
            problems.add(own, covers(data, config.verifiers))
        return problems

    def add(self, rows: Sequence[Row], proved: bool) -> None:
        """The rows of one more stage."""
        if proved:
            judged = [row for row in rows if row["verifier"] != GENERATIVE]
            self.no_rule += len(rows) - len(judged)
            self.rows += judged
        else:
            self.rows += rows
            self._unproved.update(map(id, rows))

    def unproved(self, prompts: Sequence[Prompt]) -> list[Row]:
        """The rows of these prompts that nobody has proved."""
        return [prompt.row for prompt in prompts if id(prompt.row) in self._unproved]
