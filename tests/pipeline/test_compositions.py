"""What was composed once is found again, as long as nothing that it follows from has changed."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from omegaconf import OmegaConf
from toy_recipe.__main__ import TOY

from pipeline import cli, compositions
from pipeline.compose import CONFIG_NAME, VERSION_BASE, Composed, compose, composer, resolve, schema
from pipeline.project import Project
from pipeline.sections import keep_sources
from stages.project import R1


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """The toy with a conf/ and a cache of its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    shutil.copytree(TOY.conf_dir(), tmp_path / "conf")
    return replace(TOY, conf=str(tmp_path / "conf"))


def kept() -> list[Path]:
    return sorted(compositions.folder().glob("*"))


def as_hydra_does(
    project: Project, overrides: Sequence[str], patch: pytest.MonkeyPatch
) -> Composed:
    """The same by Hydra alone, which knows no `kinds` and `steps`, and no number with a place."""
    from hydra import compose as hydra_compose
    from hydra import initialize_config_dir
    from hydra.core.config_store import ConfigStore
    from hydra.core.global_hydra import GlobalHydra

    def without_places(loader: ConfigLoaderImpl, default: Any, repo: Any) -> Any:
        loaded = load(loader, default, repo)
        if default.config_path.partition("/")[0] not in ("kind", "hydra"):
            content: Any = OmegaConf.to_container(loaded.config)
            keep_sources(content)
            loaded = replace(loaded, config=OmegaConf.create(content))
        return loaded

    load = ConfigLoaderImpl._load_single_config
    patch.setattr(ConfigLoaderImpl, "_load_single_config", without_places)
    registry = project.kinds()
    for name, kind in registry.items():
        ConfigStore.instance().store(group="kind", name=name, node=schema(kind.config, name))
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(project.conf_dir()), version_base=VERSION_BASE):
        config: Any = hydra_compose(
            CONFIG_NAME, overrides=list(overrides), return_hydra_config=True
        )
        return resolve(config, registry, config.hydra.runtime.choices, overrides)


@pytest.mark.parametrize(
    "words",
    [
        ["profile=paper"],
        ["recipe=students", "profile=paper", "rollout=vllm", "stages.rows.path=mine.jsonl"],
        [
            "recipe=distill_on_policy",
            "profile=paper",
            "+lora@stages.student_on_policy.lora=default",
        ],
        [
            "recipe=r1_zero",
            "profile=paper",
            "algorithm=ppo",
            "stages.zero.template=null",
            "+note={a: 1}",
        ],
    ],
)
def test_a_recipe_is_composed_as_hydra_alone_would(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert compose(R1, words) == as_hydra_does(R1, words, monkeypatch)


def test_what_was_composed_is_found_again(toy: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    first = compose(toy, ["seed=3"])
    monkeypatch.setattr("pipeline.compose.composer", None)  # nothing can be composed any more
    assert compose(toy, ["seed=3"]) == first
    assert first.root["seed"] == 3


def test_a_file_of_conf_the_words_and_the_environment_each_make_another(
    toy: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    compose(toy, [])
    assert compose(toy, ["seed=7"]).root["seed"] == 7
    monkeypatch.setenv("TOY_ROOT", "/elsewhere")
    assert compose(toy, []).root["paths"]["root"] == "/elsewhere"
    file = toy.conf_dir() / "config.yaml"
    file.write_text(file.read_text().replace("seed: 0", "seed: 9"))
    assert compose(toy, []).root["seed"] == 9
    assert len(kept()) == 4


@pytest.mark.parametrize("content", [b"", b"{", b'0\n{"root": {}}', b"\xff\xfe"])
def test_what_is_torn_or_foreign_is_made_anew_without_a_word(
    content: bytes, toy: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    first = compose(toy, [])
    (file,) = kept()
    whole = file.read_bytes()
    file.write_bytes(content)
    assert compose(toy, []) == first
    assert file.read_bytes() == whole
    assert capsys.readouterr() == ("", "")


def test_one_flipped_bit_is_noticed(toy: Project) -> None:
    first = compose(toy, ["seed=11"])
    (file,) = kept()
    file.write_bytes(file.read_bytes().replace(b'"seed": 11', b'"seed": 13'))
    assert compose(toy, ["seed=11"]) == first


def test_what_may_differ_from_call_to_call_is_not_kept(toy: Project) -> None:
    compose(toy, ["+note=${now:%H}"])
    assert kept() == []


def test_a_cache_that_cannot_be_written_stops_nothing(
    toy: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert compose(toy, []).root["seed"] == 0


def test_only_the_latest_are_kept(toy: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compositions, "KEPT", 2)
    for seed in range(3):
        compose(toy, [f"seed={seed}"])
    assert len(kept()) == 2


def test_a_list_of_defaults_may_name_what_another_chooses(toy: Project) -> None:
    file = toy.conf_dir() / "config.yaml"
    file.write_text(
        file.read_text().replace("  - recipe: sums\n", "  - recipe: sums\n  - of: ${recipe}\n")
    )
    (toy.conf_dir() / "of").mkdir()
    (toy.conf_dir() / "of" / "short.yaml").write_text("# @package _global_\nnote: short\n")
    assert compose(toy, ["recipe=short"]).root["note"] == "short"


def test_what_was_edited_while_it_was_composed_is_not_kept(
    toy: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = toy.conf_dir() / "config.yaml"
    before = file.read_text()

    def edit_first(project: Project) -> Any:
        file.write_text(before.replace("seed: 0", "seed: 9"))
        return composer(project)

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr("pipeline.compose.composer", edit_first)
        assert compose(toy, []).root["seed"] == 9
    file.write_text(before)
    assert compose(toy, []).root["seed"] == 0


def test_a_variable_whose_name_is_made_up_is_not_kept(toy: Project) -> None:
    compose(toy, ["+name=HOME", "+value='${oc.env:${name}}'"])
    assert kept() == []


def test_gc_of_other_settings_forgets_them_all(toy: Project, tmp_path: Path) -> None:
    compose(toy, ["seed=3"])
    words = ["gc", "--others", "--delete", "--yes", f"paths.root={tmp_path / 'outputs'}"]
    assert cli.main(toy, words) == 0
    assert kept() == []
