"""The tiny world's tokenizer: byte-level BPE, single digits, the recipe's tags as single tokens.

Byte-level, so that any text can be encoded, GSM8K included. Normaliser and pre-tokenizer are
Qwen2's own: transformers 5 picks the tokenizer class by the model's `model_type` when it loads one,
and would silently put Qwen2's in place of any other. `save_tokenizer` checks the round trip.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import AutoTokenizer, PreTrainedTokenizerBase, PreTrainedTokenizerFast
from transformers.models.qwen2.tokenization_qwen2 import PRETOKENIZE_REGEX

from pipeline.errors import RecipeError
from stages.chat.template import CHAT_TEMPLATE, END, PAD, SPECIAL_TOKENS, TAG_TOKENS

CHINESE = r"\p{Han}"

PROBE = (
    "3 + 14 = 17. Wait, 你好，世界！ <think>a\n\tb</think><answer>\\boxed{½}</answer>",
    "Janet’s ducks lay 16 eggs — $2.50 each.\r\n def f(x):\n    return x ** 2  # naïve",
)


def build_tokenizer(texts: Iterable[str], vocab_size: int) -> PreTrainedTokenizerFast:
    """Train a byte-level BPE of `vocab_size` entries, special tokens included, on `texts`."""
    backend = Tokenizer(models.BPE())
    backend.normalizer = normalizers.NFC()
    # Learnt with Chinese characters apart, used without: no merge then runs across two of them,
    # and a name is the same tokens wherever it stands.
    backend.pre_tokenizer = _splitting(CHINESE, PRETOKENIZE_REGEX)
    backend.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size - len(TAG_TOKENS),
        special_tokens=list(SPECIAL_TOKENS),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    backend.train_from_iterator(texts, trainer)
    backend.pre_tokenizer = _splitting(PRETOKENIZE_REGEX)
    # Tags are ordinary added tokens: one id each, but kept when special tokens are skipped.
    backend.add_tokens(list(TAG_TOKENS))
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=backend, pad_token=PAD, eos_token=END, unk_token=PAD
    )
    tokenizer.chat_template = CHAT_TEMPLATE
    tokenizer.padding_side = "left"
    return tokenizer


def _splitting(*patterns: str) -> pre_tokenizers.PreTokenizer:
    splits = [pre_tokenizers.Split(Regex(p), behavior="isolated") for p in patterns]
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    return pre_tokenizers.Sequence([*splits, byte_level])


def save_tokenizer(tokenizer: PreTrainedTokenizerBase, directory: Path) -> None:
    """Save beside a model's config.json and prove that it loads back as it was."""
    tokenizer.save_pretrained(directory)
    code = any(directory.glob("*.py"))  # of a model that brings its own: see PretrainedConfig
    loaded = AutoTokenizer.from_pretrained(directory, trust_remote_code=code)
    for text in PROBE:
        if loaded(text).input_ids != tokenizer(text).input_ids or len(loaded) != len(tokenizer):
            raise RecipeError(
                f"{directory}: the saved tokenizer loads back as {type(loaded).__name__} and "
                f"encodes {text!r} differently; give it the pre-tokenizer of that class"
            )
