"""`r1 export` through the command line: a folder that plain transformers loads, and its card."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.compose import compose
from pipeline.identity import digest_of
from pipeline.situation import survey
from stages.commands.export.lineage import Lineage
from stages.commands.export.usage import usage
from stages.project import R1, main
from stages.rows.schemas import PROBLEM, write_rows

WORDS = ["recipe=r1_zero"]
ESTIMATE = {"value": 0.25, "low": 0.2, "high": 0.3, "n": 80}
FACTS = {
    "model": "base",
    "problems": 80,
    "samples_per_problem": 4,
    "overall": {"pass_at_1": ESTIMATE},
    "by_group": {"reasoning": {"pass_at_1": ESTIMATE}},
}
QUESTION = {
    "id": "1", "domain": "math", "language": "en", "verifier": "math", "reference": "7",
    "prompt": [{"role": "user", "content": "What is 3+4, dear?"}], "metadata": "{}", "source": "me",
}  # fmt: skip


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store that has the base that ships, and an evaluation of it on one problem."""
    folder = tmp_path_factory.mktemp("exported")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("R1_ROOT", str(folder / "outputs"))
        situation = survey(R1, compose(R1, WORDS))
    base = situation.store.adopt("base", situation.wanted["base"].fingerprint)
    assert base is not None
    problems = _publish(situation.store, folder, "mine", "problems", {}, [])
    inputs = [("data_from", problems), ("evaluates", base)]
    _publish(situation.store, folder, "base_on_mine", "evaluation", FACTS, inputs)
    return folder


def _publish(store: Any, folder: Path, stage: str, type_: str, facts: Any, inputs: Any) -> Any:
    output = folder / stage
    output.mkdir()
    if type_ == "problems":
        write_rows(output / "rows.parquet", [QUESTION], PROBLEM)
    identity = {"kind": type_, "made_by": stage}
    manifest = {"stage": stage, "type": type_, "kind": type_, "created": "2026", "facts": facts}
    manifest |= {"fingerprint": digest_of(identity), "identity": identity, "funnel": {}}
    edges = [{"edge": e, "stage": a.stage, "fingerprint": a.fingerprint} for e, a in inputs]
    sampling = {"temperature": 0.6, "top_p": 0.95, "max_tokens": 40}
    manifest["config"] = {"sampling": sampling, "bootstrap_draws": 200}
    return store.publish(output, manifest | {"inputs": edges, "seed": 0})


@pytest.fixture(scope="module")
def exported(root: Path) -> tuple[Path, dict[str, Any]]:
    """The folder of the exported base, and what the command said of it as JSON."""
    folder = root / "plain"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("R1_ROOT", str(root / "outputs"))
        with contextlib.redirect_stdout(io.StringIO()) as out:
            assert main(["export", "base", str(folder), "--json", *WORDS]) == 0
    return folder, json.loads(out.getvalue())


def test_what_is_exported_loads_with_plain_transformers(exported: Any) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder, said = exported
    assert {path.name for path in folder.iterdir()} == set(said["files"])
    model = AutoModelForCausalLM.from_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    ids = tokenizer("3+4=", return_tensors="pt")
    assert model.generate(**ids, max_new_tokens=2).shape[1] > ids["input_ids"].shape[1]


def test_the_card_tells_lineage_evaluations_with_intervals_and_how_to_run_it(exported: Any) -> None:
    folder, said = exported
    card = (folder / "README.md").read_text()
    header = card.split("---")[1].splitlines()
    assert "pipeline_tag: text-generation" in header
    assert "| base | pretrain | 2,400 | 9,600,000 |" in card
    assert "| **reasoning, pass@1** | 25.0 [20.0, 30.0] |" in card
    assert "80 problems, 4 samples of each; temperature 0.6" in card
    assert "vllm serve . --reasoning-parser deepseek_r1" in card
    assert said["evaluations"]["base_on_mine"]["overall"]["pass_at_1"] == ESTIMATE


def test_the_card_asks_as_the_model_was_evaluated(exported: Any) -> None:
    code = (exported[0] / "README.md").read_text()
    assert 'messages = [{"role": "user", "content": "What is 3+4, dear?"}]' in code
    assert "do_sample=True, temperature=0.6, top_p=0.95, max_new_tokens=40" in code


def test_nothing_is_written_over(exported: Any, capsys: pytest.CaptureFixture[str]) -> None:
    folder, _ = exported
    before = {path: path.read_bytes() for path in folder.iterdir()}
    assert main(["export", "base", str(folder), *WORDS]) == 2
    assert f"DIR {folder}: is there already, and is not written over" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.parametrize(
    ("stage", "words"),
    [
        ("heldout", "export heldout: it makes problems, expected model or reward_model"),
        ("zero", "it has no result with this config yet: r1 run until=zero recipe=r1_zero"),
    ],
)
def test_what_cannot_be_exported_is_told_and_nothing_is_written(
    stage: str,
    words: str,
    root: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("R1_ROOT", str(root / "outputs"))
    assert main(["export", stage, str(root / "none"), *WORDS]) == 2
    assert words in capsys.readouterr().err
    assert not list(root.glob("*none*"))


def test_a_reward_model_is_shown_with_its_scale(make_artifact: Any, tiny_model_dir: Path) -> None:
    facts = {"scores": "answer", "score_mean": 0.5, "score_std": 2.0}
    artifact = make_artifact("reward_model", "helpful_rm", model_dir=tiny_model_dir, facts=facts)
    text = usage(artifact, Lineage((), (), ()))
    assert "AutoModelForSequenceClassification.from_pretrained(folder)" in text
    assert "print((raw - 0.5) / 2.0)" in text
    assert "vllm serve . --runner pooling" in text
