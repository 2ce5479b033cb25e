"""Machines: files of hardware, what they cannot say, and the one at hand."""

from __future__ import annotations

from pathlib import Path

import pytest

import conf
from pipeline.compose import compose
from pipeline.errors import UsageError
from stages.costs import detect
from stages.costs.hardware import Hardware, of_root
from stages.project import R1

MACHINES = sorted(
    path.stem
    for path in (Path(conf.__file__).parent / "hardware").glob("*.yaml")
    if not path.stem.startswith("_")
)


def machine(name: str, *words: str) -> Hardware:
    return of_root(compose(R1, ["recipe=r1_zero", f"hardware={name}", *words]).root, name)


@pytest.mark.parametrize("name", [name for name in MACHINES if name != "this"])
def test_every_machine_that_ships_is_one(name: str) -> None:
    assert machine(name).device.source


def test_a_file_of_yours_says_only_what_differs(tmp_path: Path) -> None:
    own = tmp_path / "mine.yaml"
    own.write_text("nodes: 2\nprice: {hour: 1.5}\nefficiencies: {training: {rl: 0.2}}\n")
    found = machine("h100x8", f"hardware.file={own}")
    assert (found.total, found.price.hour, found.device.name) == (16, 1.5, "H100")
    assert found.efficiencies.training["rl"] == 0.2
    assert found.efficiencies.training["sft"] == machine("h100x8").efficiencies.training["sft"]


def test_a_machine_that_was_measured_comes_back_from_its_file(tmp_path: Path) -> None:
    own = tmp_path / "kept.yaml"
    for name in ("h800x8", "cpu2"):
        own.write_text(machine(name).to_yaml())
        assert machine("this", f"hardware.file={own}") == machine(name)


@pytest.mark.parametrize(
    ("said", "key"),
    [
        ("device: {bandwidth_gb_s: -3350}", "hardware.device.bandwidth_gb_s"),
        ("device: {bandwidth_gb_s: 3.35}", "hardware.device.bandwidth_gb_s"),  # TB/s
        ("device: {bandwidth_gb_s: 3.35e+12}", "hardware.device.bandwidth_gb_s"),  # bytes/s
        ("device: {tflops: {bfloat16: 9.89e+14}}", "hardware.device.tflops.bfloat16"),  # FLOP/s
        ("device: {memory_gb: 0}", "hardware.device.memory_gb"),
        ("device: {memory_gb: 80e9}", "hardware.device.bandwidth_gb_s"),  # bytes, told by time
        ("efficiencies: {training: {rl: 38}}", "hardware.efficiencies.training.rl"),  # per cent
        ("efficiencies: {bandwidth: .nan}", "hardware.efficiencies.bandwidth"),
        ("efficiencies: {mfu: 0.4}", "hardware.efficiencies.mfu"),
        ("devices: 0", "hardware.devices"),
        ("nodes: many", "hardware.nodes"),
        ("price: {hour: -1}", "hardware.price.hour"),
    ],
)
def test_nonsense_is_refused_with_its_key_and_its_file(said: str, key: str, tmp_path: Path) -> None:
    own = tmp_path / "mine.yaml"
    own.write_text(said)
    with pytest.raises(UsageError) as error:
        machine("h100x8", f"hardware.file={own}")
    assert key in str(error.value)
    assert str(own) in str(error.value)


@pytest.mark.parametrize("content", [None, "a: [", "- a list"])
def test_a_file_that_is_none_is_refused(content: str | None, tmp_path: Path) -> None:
    own = tmp_path / "mine.yaml"
    if content is not None:
        own.write_text(content)
    with pytest.raises(UsageError, match=r"hardware\.file"):
        machine("h100x8", f"hardware.file={own}")


def smi(folder: Path, *names: str) -> None:
    """An nvidia-smi that answers with these GPUs."""
    rows = "\n".join(names)
    (folder / "nvidia-smi").write_text(f"#!/bin/sh\ncat <<'END'\n{rows}\nEND\n")
    (folder / "nvidia-smi").chmod(0o755)


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("NVIDIA H100 80GB HBM3", "H100"),
        ("NVIDIA L4", "L4"),
        ("NVIDIA L40S", "L40S"),
        ("NVIDIA A100-SXM4-40GB", "A100 40 GB"),
        ("NVIDIA GeForce RTX 4090", "RTX 4090"),
        ("Tesla T4", "T4"),
    ],
)
def test_the_machine_at_hand_is_known_by_the_name_of_its_gpus(
    name: str, known: str, path: Path
) -> None:
    smi(path, f"{name}, 24564", f"{name}, 24564")
    found = machine("this")
    assert (found.devices, found.device.name) == (2, known)
    assert found.device.memory_gb == pytest.approx(24564 * 2**20 / 1e9, rel=0.01)


def test_an_unknown_gpu_is_refused_with_the_known_ones_and_a_way_out(path: Path) -> None:
    smi(path, "NVIDIA Z900, 99999")
    with pytest.raises(UsageError, match=r"`NVIDIA Z900`.* h100.*hardware\.file=mine\.yaml"):
        machine("this")


def test_without_a_gpu_the_machine_at_hand_is_its_cores(path: Path) -> None:
    found = machine("this")
    assert not detect.gpus()
    assert not found.device.accelerator
    assert found.efficiencies.start_seconds == machine("cpu2").efficiencies.start_seconds
