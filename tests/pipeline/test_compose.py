"""Every wrong request is one message that names the key and what there is, with exit code 2."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from conftest import PYTHONPATH, Toy
from toy_recipe.__main__ import TOY

from pipeline.cli import main
from pipeline.compose import compose


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["recipe=sumz"], r"no `sumz` in `recipe`. Did you mean `sums`? There is: short, sums."),
        (["profile=huge"], "There is: large, small."),
        (["sed=1"], "sed: unknown key. Did you mean `seed` or `seeds`?"),
        (["stages.lefft.add=1"], "stages.lefft.add: unknown key. Did you mean `left`"),
        (["+stages.lefft.add=1"], "there is no stage `lefft` in this recipe."),
        (["stages.left.ad=1"], "stages.left.ad: unknown key. Did you mean `add`"),
        (["stages.left.trouble.fial=1"], "Did you mean `fail`"),
        (["stages.left.add=many"], "stages.left.add: Value 'many' of type 'str' could not be"),
        (["stages.left.add=???"], "stages.left.add: no value. Set it in conf/"),
        (["stages.left.add=${nowhere}"], "Interpolation key 'nowhere' not found"),
        (["seed=["], "the override `seed=[` cannot be read"),
        (["seed=["], "A list is `seed=[a,b]`"),
        (["seed=many"], "seed: Value 'many' of type 'str' could not be converted to Integer"),
        (["steps=3"], "steps: unknown key. It is one of a stage: `stages.left.steps`"),
        (
            ["stages.left.steps", "=", "3"],
            "around the `=` of a setting: write `stages.left.steps=3`",
        ),
        (["seed=", "3"], "no spaces around the `=` of a setting: write `seed=3`"),
        (["seed", "=3"], "no spaces around the `=` of a setting: write `seed=3`"),
        (["small"], "`small`: a setting is given as KEY=VALUE"),
        (["--profile", "small"], "Settings are given without dashes: `profile=small`"),
        (["--profile=small", "seed=1"], "Settings are given without dashes: `profile=small`"),
        (["--max-parallel"], "Settings are given without dashes: `max_parallel=…`"),
        (["stage@stages.lefft=work"], "`stages.lefft` takes nothing from `stage`. Did you mean"),
        (["launcher@stages.left=local"], "Add it with a plus: `+launcher@stages.left=local`"),
        (["stages.numbers.kind=sauce"], "`sauce` is no kind of stage. Did you mean `source`"),
        (["stages.both.data_from=[lefft]"], "stages.both.data_from[0]: there is no stage"),
        (["until=lefft"], "until=lefft: no such stage. Did you mean `left`?"),
        (["launcher.name=cloud"], "launcher.name: there is no launcher `cloud`"),
        (["launcher.max_parallel=0"], "launcher.max_parallel: found 0, expected a whole number"),
    ],
)
def test_a_wrong_override_is_a_usage_error_with_a_hint(
    overrides: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(TOY, ["run", *overrides]) == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir()), "nothing ran"


@pytest.mark.parametrize(
    "name",
    ["a=1/b.json", "c#1", "~d", "(e)[f]", "数据/g", "it's", 'say "h"', "i\\", "j&k;l", "m n"],
)
def test_any_path_can_be_given_as_it_is(name: str, toy: Toy) -> None:
    path = toy.folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("1")
    composed = compose(TOY, [f"stages.numbers.path={path}"])
    assert composed.stages["numbers"].path == str(path)
    assert compose(TOY, composed.overrides).stages["numbers"].path == str(path), "to go on"


def test_a_path_below_home_is_found_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    composed = compose(TOY, ["stages.numbers.path=~/rows.json"])
    assert composed.stages["numbers"].path == "/home/me/rows.json"


def test_a_wrong_override_of_a_multirun_is_a_usage_error_too(toy: Toy) -> None:
    assert "sed: unknown key. Did you mean `seed` or `seeds`?" in toy(
        "run", "-m", "sed=1,2", expect=2
    )


def test_an_unknown_verb_and_an_unknown_stage_exit_with_2(toy: Toy) -> None:
    assert "rum: no such verb. Did you mean `run`?" in toy("rum", expect=2)
    assert "why lefft: no such stage. Did you mean `left`" in toy("why", "lefft", expect=2)


def test_debug_shows_the_traceback(toy: Toy) -> None:
    assert "Traceback" in toy("plan", "sed=1", "--debug", expect=1)


def test_numbers_for_stages_that_the_recipe_lacks_are_dropped(toy: Toy) -> None:
    assert list(toy.states()) == ["numbers", "left", "right", "both"]
    assert list(toy.states("recipe=short")) == ["numbers", "both"]


def test_an_override_of_a_stage_that_the_recipe_lacks_is_not_dropped_in_silence(toy: Toy) -> None:
    output = toy("plan", "recipe=short", "stages.left.steps=3", expect=2)
    assert "there is no stage `left` in this recipe" in output


def test_a_profile_and_the_root_seed_reach_the_stages(toy: Toy) -> None:
    toy("run", "only=numbers", "seed=5")
    (manifest,) = toy.manifests("numbers")
    assert manifest["config"]["seed"] == 5
    small = {row["stage"]: row["fingerprint"] for row in toy.rows()}
    large = {row["stage"]: row["fingerprint"] for row in toy.rows("profile=large")}
    assert {name for name in small if small[name] != large[name]} == {"left", "both"}


def test_hydras_own_flags_work(toy: Toy) -> None:
    shown = toy("run", "--cfg", "job", "seed=9")
    assert "seed: 9" in shown
    assert "stage/work" in toy("run", "--info", "defaults")
    assert not toy.runs.exists()


def test_the_help_of_run_is_a_page_with_its_groups_their_options_and_the_default(
    toy: Toy,
) -> None:
    page = toy("run", "--help").splitlines()
    assert len(page) <= 30
    assert max(map(len, page)) <= 80
    assert "  recipe    short, [sums]" in page
    assert "  profile   large, [small]" in page
    assert any("--cfg job" in line for line in page), "where all of the configuration is"


@pytest.mark.parametrize("verb", ["plan", "run"])
def test_looking_imports_nothing_heavy(finished: Toy, verb: str) -> None:
    code = (
        "import sys; from toy_recipe.__main__ import TOY; from pipeline.cli import main; "
        f"main(TOY, [{verb!r}]); "
        "heavy = {'torch', 'transformers', 'trl', 'mlflow', 'pandas', 'pyarrow'}; "
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    environment = {"PYTHONPATH": PYTHONPATH, "PATH": "/usr/bin:/bin"}
    done = subprocess.run([sys.executable, "-c", code], cwd=finished.folder, env=environment)
    assert done.returncode == 0


def test_the_engine_is_imported_without_hydra_or_any_stage(tmp_path: Path) -> None:
    heavy = "{'hydra', 'omegaconf', 'stages'}"
    code = f"import sys, pipeline.cli; assert not {heavy} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path)
