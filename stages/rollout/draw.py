"""Drawing the next token of many sequences, each from its own seed.

A draw inverts the cumulative distribution at a uniform number that is a hash of (seed, position):
one number per token in place of a random generator per sequence or of vocabulary-sized noise, so
per-sequence seeds cost nothing and no draw depends on the batch.

Top-p without sorting the vocabulary: draw from the whole distribution and accept when the mass of
the likelier tokens is below p, which is exactly membership of the nucleus. A refused row (at most
1 − p of them) is drawn again from its sorted nucleus; the two together are the truncated
distribution. Sorting all rows takes 10.9 ms for 256 rows and a vocabulary of 1,024, more than the
decode step of a small model itself; this takes 0.3 ms.
"""

from __future__ import annotations

import torch

from stages.settings.generation import Sampling

_GOLDEN = -7046029254386353131  # 0x9E3779B97F4A7C15 as a signed 64-bit number: splitmix64
_FIRST = -4658895280553007687  # 0xBF58476D1CE4E5B9
_SECOND = -7723592293110705685  # 0x94D049BB133111EB
_BITS = 24  # of a float32's mantissa
_AGAIN = 1 << 40  # added to the position for the second draw of a refused row


def draw(
    logits_BV: torch.Tensor, seeds_B: torch.Tensor, position: int, sampling: Sampling
) -> tuple[torch.Tensor, torch.Tensor]:
    """Next tokens and their log-probabilities before any truncation, both of shape (B,)."""
    if sampling.temperature == 0:
        tokens_B = logits_BV.argmax(-1)
        return tokens_B, _gather(logits_BV.float().log_softmax(-1), tokens_B)
    scaled_BV = logits_BV.float()
    if sampling.temperature != 1:
        scaled_BV = scaled_BV / sampling.temperature
    probs_BV = scaled_BV.softmax(-1)
    tokens_B = _invert(probs_BV, uniforms(seeds_B, position))
    if sampling.top_k or sampling.top_p < 1:
        tokens_B = _truncated(probs_BV, tokens_B, seeds_B, position, sampling)
    return tokens_B, _gather(probs_BV, tokens_B).log()


def uniforms(seeds_B: torch.Tensor, position: int) -> torch.Tensor:
    """One number in (0, 1] per seed, a pure function of seed and position (splitmix64)."""
    hashed_B = _mix(_mix(seeds_B) + _wrap((position + 1) * _GOLDEN))
    top_bits_B = (hashed_B >> (64 - _BITS)) & ((1 << _BITS) - 1)
    return (top_bits_B + 1).float() / (1 << _BITS)


def _truncated(
    probs_BV: torch.Tensor,
    tokens_B: torch.Tensor,
    seeds_B: torch.Tensor,
    position: int,
    sampling: Sampling,
) -> torch.Tensor:
    """The drawn tokens, with those outside of top-k and top-p drawn again from inside."""
    if sampling.top_k:
        refused_B = torch.ones_like(tokens_B, dtype=torch.bool)
    else:
        likelier_BV = probs_BV > probs_BV.gather(-1, tokens_B[:, None])
        refused_B = (probs_BV * likelier_BV).sum(-1) >= sampling.top_p
    if not refused_B.any():
        return tokens_B
    rows = refused_B.nonzero()[:, 0]
    kept, order = _nucleus(probs_BV[rows], sampling)
    drawn = _invert(kept, uniforms(seeds_B[rows], position + _AGAIN))
    return tokens_B.index_copy(0, rows, _gather(order, drawn))


def _nucleus(probs_BV: torch.Tensor, sampling: Sampling) -> tuple[torch.Tensor, torch.Tensor]:
    """Top-k, then top-p of what is left, as transformers and vLLM order them; sorted, with ids."""
    count = min(sampling.top_k or probs_BV.shape[-1], probs_BV.shape[-1])
    values, order = probs_BV.topk(count, dim=-1)
    values = values / values.sum(-1, keepdim=True)
    likelier = values.cumsum(-1) - values
    return values.masked_fill(likelier >= sampling.top_p, 0.0), order


def _invert(weights: torch.Tensor, uniform: torch.Tensor) -> torch.Tensor:
    """The first index whose cumulative weight reaches uniform × total; its own weight is > 0."""
    cumulative = weights.cumsum(-1)
    target = uniform[:, None] * cumulative[:, -1:]
    return torch.searchsorted(cumulative, target)[:, 0]


def _gather(rows: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
    return rows.gather(-1, index[:, None])[:, 0]


def _mix(x: torch.Tensor) -> torch.Tensor:
    x = (x ^ _shift(x, 30)) * _FIRST
    x = (x ^ _shift(x, 27)) * _SECOND
    return x ^ _shift(x, 31)


def _shift(x: torch.Tensor, bits: int) -> torch.Tensor:
    """A logical shift to the right; torch has only the arithmetic one."""
    return (x >> bits) & ((1 << (64 - bits)) - 1)


def _wrap(number: int) -> int:
    """A Python integer as a signed 64-bit one."""
    return (number + (1 << 63)) % (1 << 64) - (1 << 63)
