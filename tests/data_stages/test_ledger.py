"""A shard of samples that is not what its name says counts as not drawn."""

import random
from pathlib import Path

import pytest

from stages.sampling.ledger import CORRUPT, Drawn, Ledger, Name
from stages.settings.generation import Sampling

FLIPS = 40  # python -m tests.data_stages.test_ledger counts 300


def drawn(samples: int = 50) -> dict[Name, Drawn]:
    """Samples such as a shard of the tiny world holds."""
    rng = random.Random(0)
    names = [(key, seed) for key in range(5) for seed in range(samples // 5)]
    return {
        name: Drawn([rng.randrange(1024) for _ in range(30)], f"<think>{name}</think> 7", "stop")
        for name in names
    }


def opened(folder: Path) -> Ledger:
    return Ledger(folder, "transformers float32", Sampling(1.0))


def shard_of(ledger: Ledger) -> Path:
    (shard,) = ledger.folder.glob("*.parquet")
    return shard


def what_it_gives(folder: Path, wanted: dict[Name, Drawn]) -> dict[Name, Drawn]:
    ledger = opened(folder)
    return ledger.read(ledger.find(wanted))


def flipped(content: bytes, bit: int) -> bytes:
    harmed = bytearray(content)
    harmed[bit // 8] ^= 1 << bit % 8
    return bytes(harmed)


def found_of(flips: int, folder: Path) -> int:
    """How many of so many single bit flips are found: the samples count as not drawn."""
    wanted, rng, found = drawn(), random.Random(0), 0
    opened(folder).append(wanted)
    shard = shard_of(opened(folder))
    whole = shard.read_bytes()
    for _ in range(flips):
        shard.write_bytes(flipped(whole, rng.randrange(8 * len(whole))))
        found += what_it_gives(folder, wanted) == {}
    shard.write_bytes(whole)
    assert what_it_gives(folder, wanted) == wanted
    return found


def test_every_flipped_bit_of_a_shard_is_found(tmp_path):
    assert found_of(FLIPS, tmp_path) == FLIPS


@pytest.mark.parametrize("harm", [lambda b: b[:-1], lambda b: b"", lambda b: b + b"\0"])
def test_a_shard_of_another_length_is_put_aside_and_told_of(tmp_path, capsys, harm):
    wanted = drawn()
    opened(tmp_path).append(wanted)
    shard = shard_of(opened(tmp_path))
    shard.write_bytes(harm(shard.read_bytes()))
    assert what_it_gives(tmp_path, wanted) == {}
    assert f"{shard} was changed after it was written: its samples are drawn again" in (
        capsys.readouterr().err
    )
    assert not shard.exists()
    assert shard.with_name(shard.name + CORRUPT).exists()
    opened(tmp_path).append(wanted)
    assert what_it_gives(tmp_path, wanted) == wanted
    assert "drawn again" not in capsys.readouterr().err


def test_a_shard_that_is_harmed_after_it_was_indexed_is_not_read(tmp_path):
    wanted = drawn()
    opened(tmp_path).append(wanted)
    ledger = opened(tmp_path)
    places = ledger.find(wanted)
    assert len(places) == len(wanted)
    shard = shard_of(ledger)
    shard.write_bytes(flipped(shard.read_bytes(), 4000))
    assert ledger.read(places) == {}


def test_a_shard_without_a_checksum_in_its_name_counts_as_not_drawn(tmp_path, capsys):
    wanted = drawn()
    opened(tmp_path).append(wanted)
    shard = shard_of(opened(tmp_path))
    shard.rename(shard.with_name("0123456789abcdef0123456789abcdef.parquet"))
    assert what_it_gives(tmp_path, wanted) == {}
    assert "1 of 1 files of samples" in capsys.readouterr().err


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        print(found_of(300, Path(folder)), "of 300 single bit flips were found")
