"""What a completion's tokens say: the text that verifiers, rewards and rows see.

Special tokens are silent, but for the tags of thoughts and answers: some tokenizers have these
among their special ones, and without them no thought could be told from an answer.

A template may end its prompt with `<think>`, as those of the released R1 models do. The thought is
the completion's all the same, so its text begins with the tag that the prompt has: what is judged,
paid for and learnt has one form, whoever opened it. Token ids stay what was sampled.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from stages.chat.template import TAG_TOKENS, THINK, opens_thought

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_TAIL = 32  # tokens of a prompt that its last tag and the white space after it may take


class Speech:
    """Reads tokens of one tokenizer."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self.tokenizer = tokenizer
        special = {i for i, token in tokenizer.added_tokens_decoder.items() if token.special}
        special |= set(tokenizer.all_special_ids)
        encoded = [tokenizer.encode(tag, add_special_tokens=False) for tag in TAG_TOKENS]
        tags = {ids[0] for ids in encoded if len(ids) == 1} & special
        self._silent = special - tags if tags else None

    def opens(self, prompt_ids: Sequence[int]) -> bool:
        """Whether a prompt ends with an open `<think>`."""
        tail = self.tokenizer.decode(list(prompt_ids[-_TAIL:]), skip_special_tokens=False)
        return opens_thought(str(tail))

    def texts(self, prompts: Sequence[Sequence[int]], said: Sequence[Sequence[int]]) -> list[str]:
        """The text of each completion, whose tokens are `said` after those of its prompt."""
        silent = self._silent
        if silent is not None:
            said = [[i for i in ids if i not in silent] for ids in said]
        texts = self.tokenizer.batch_decode(said, skip_special_tokens=silent is None)
        tails = [tuple(ids[-_TAIL:]) for ids in prompts]
        opened = {tail: self.opens(tail) for tail in set(tails)}
        return [
            THINK + text if opened[tail] else text for tail, text in zip(tails, texts, strict=True)
        ]
