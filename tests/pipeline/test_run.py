"""A small recipe end to end, through the real command line, as a user would drive it."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import time
from pathlib import Path

import psutil
from conftest import HERE, Toy

from pipeline.why import Change

ALL = ["numbers", "left", "right", "both"]


def wait_for(path: Path, seconds: float = 120.0) -> None:
    deadline = time.monotonic() + seconds
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} did not appear"
        time.sleep(0.02)


def test_a_second_run_finds_nothing_to_do(toy: Toy) -> None:
    output = toy("run")
    assert "4 of 4 stages done" in output
    assert set(toy.states().values()) == {"done"}
    made = {stage: toy.manifests(stage) for stage in ALL}
    again = toy("run")
    assert "nothing to do: 4 stages done" in again
    assert "made numbers, left, right, both with seed 0" in again
    assert {stage: toy.manifests(stage) for stage in ALL} == made
    assert len([p for p in toy.runs.iterdir() if p.name != "latest"]) == 1


def test_the_result_and_its_manifest_say_what_was_made_and_how(toy: Toy) -> None:
    toy("run", "seed=3")
    (both,), (left,) = toy.manifests("both"), toy.manifests("left")
    # numbers 3 4 5 6; left adds 2 × 1 to each, right 3 × 10
    assert both["facts"]["sum"] == (18 + 4 * 2) + (18 + 4 * 30)
    assert [i["stage"] for i in both["inputs"]] == ["left", "right"]
    assert both["inputs"][0] == {
        "edge": "data_from",
        "stage": "left",
        "fingerprint": left["fingerprint"],
    }
    assert left["config"]["add"] == 1
    assert left["seed"] == 3
    assert left["attempts"][0]["outcome"] == "finished"
    assert left["host"]["peak_memory_mib"] > 5
    assert left["versions"]["python"]
    assert len(left["code"]["sources"]) == 16
    assert set(left["files"]) == {"numbers.json", "metrics.jsonl"}


def test_a_run_says_what_it_loads_first_and_what_to_do_with_what_it_made(toy: Toy) -> None:
    output = toy("run", "until=left")
    assert "numbers: loading decimal" in output
    assert "made numbers, left with seed 0" in output


def test_a_run_leaves_a_folder_that_is_complete_in_itself(finished: Toy) -> None:
    folder = finished.latest_run()
    assert folder.name.endswith("-sums-small")
    assert "starting at step 0" in (folder / "logs" / "left.log").read_text()
    assert "max_parallel: 2" in (folder / "config.yaml").read_text()
    facts = json.loads((folder / "run.json").read_text())
    assert {name: stage["state"] for name, stage in facts["stages"].items()} == dict.fromkeys(
        ALL, "done"
    )
    assert facts["stages"]["left"]["ran_seconds"] > 0
    assert (folder / "report" / "report.md").read_text() == "4 artifacts\n"
    events = (folder / "diary.txt").read_text().splitlines()
    assert events[0] == "run_started numbers left right both"
    assert events[1:3] == ["stage_started numbers source", "stage_finished numbers"]
    assert events[-1].endswith(f"{folder.name}/report")


def test_one_changed_number_runs_again_only_what_depends_on_it(finished: Toy) -> None:
    changed = finished.states("stages.left.add=2", verb="plan")
    assert changed == {"numbers": "done", "left": "run", "right": "done", "both": "run"}
    assert "2 of 4 stages to run" in finished("run", "stages.left.add=2")
    assert [len(finished.manifests(stage)) for stage in ALL] == [1, 2, 1, 2]
    assert "nothing to do" in finished("run"), "the first results are still there"


def test_a_number_that_changes_no_result_runs_nothing(finished: Toy) -> None:
    assert "nothing to do" in finished("run", "stages.left.delay=1", "launcher.max_parallel=1")


def test_why_names_the_field_old_and_new_and_the_root_cause(finished: Toy) -> None:
    assert "both is done" in finished("why", "both")
    output = finished("why", "both", "stages.left.add=2")
    assert "add: 1 → 2" in output
    assert "right" not in output
    reason = json.loads(finished("why", "both", "--json", "stages.numbers.count=5"))
    assert reason["changes"] == []
    left, right = reason["inputs"]
    assert (left["stage"], right["stage"]) == ("left", "right")
    assert left["inputs"][0]["changes"] == [{"key": "count", "old": 4, "new": 5}]
    edges = finished("why", "both", "stages.both.data_from=[right]")
    assert "data_from: ['left', 'right'] → ['right']" in edges


def test_why_compares_with_the_nearest_result_or_with_the_one_that_is_named(finished: Toy) -> None:
    # the latest result is not the nearest: two keys away, the first is one away
    finished("run", "until=left", "stages.left.add=7", "stages.left.steps=5")
    first, far = (manifest["fingerprint"] for manifest in finished.manifests("left"))
    output = finished("why", "left", "stages.left.add=2")
    assert f"left: {first} → " in output
    assert "(the nearest of 2 results)" in output
    assert "add: 1 → 2" in output
    named = finished("why", "left", "--against", far[:6], "stages.left.add=2")
    assert "add: 7 → 2" in named
    assert "steps: 5 → 2" in named
    assert "add: 7 → 1" in finished("why", "left", f"--against={far}"), "of a done stage, too"
    none = finished("why", "left", "--against=nothing", "stages.left.add=2", expect=2)
    assert "no other results of left begin so. There are: " in none
    assert first in none


def test_why_shows_long_values_from_where_they_differ() -> None:
    beginning = "one two three " * 10
    told = str(Change("prompt.text", f"{beginning}four\nfive", f"{beginning}six {beginning}"))
    assert told.startswith("prompt.text: …")
    assert "four five → …" in told
    assert "three six one two" in told
    assert len(told) < 150
    assert str(Change("steps", 3, 5)) == "steps: 3 → 5"


def test_why_says_when_a_stage_was_never_made(toy: Toy) -> None:
    assert "never made before" in toy("why", "both")


def test_why_names_a_file_whose_content_changed(toy: Toy) -> None:
    file = toy.folder / "rows.json"
    file.write_text("1")
    toy("run", "only=numbers", "stages.numbers.path=rows.json")
    file.write_text("2")
    assert "content of path: " in toy("why", "numbers", "stages.numbers.path=rows.json")


def test_independent_branches_overlap_in_time(toy: Toy) -> None:
    toy("run", "stages.left.delay=0.4", "stages.right.delay=0.4")
    events = (toy.latest_run() / "diary.txt").read_text()
    last_start = max(events.index(f"stage_started {name}") for name in ("left", "right"))
    first_end = min(events.index(f"stage_finished {name}") for name in ("left", "right"))
    assert last_start < first_end


def test_one_at_a_time_when_the_launcher_says_so(toy: Toy) -> None:
    toy("run", "launcher.max_parallel=1")
    assert (
        "stage_finished left\nstage_started right" in (toy.latest_run() / "diary.txt").read_text()
    )


def test_a_failed_stage_blocks_its_dependants_and_not_its_siblings(toy: Toy) -> None:
    output = toy("run", "stages.left.trouble.fail=true", expect=1)
    assert "left: FAILED (exit code 1): the numbers do not add up" in output
    assert "| starting at step 0" in output, "the end of its log"
    assert "to retry: r1 run stages.left.trouble.fail=true" in output
    assert "both: blocked, needs left, which is failed" in output
    assert "Traceback" not in output
    expected = {"numbers": "done", "left": "failed", "right": "done", "both": "blocked"}
    assert toy.states() == expected
    assert toy.states(verb="plan") == expected | {"left": "resume", "both": "run"}
    assert "stage_failed left the numbers" in (toy.latest_run() / "diary.txt").read_text()
    toy("run")
    assert set(toy.states().values()) == {"done"}
    attempts = toy.manifests("left")[0]["attempts"]
    assert [attempt["outcome"] for attempt in attempts] == ["failed", "finished"]


def test_a_result_below_its_gate_is_kept_and_blocks_what_would_use_it(toy: Toy) -> None:
    reason = "both: blocked, may not use left: stages.left.min_rows is 5, and it has 4"
    assert reason in toy("run", "stages.left.min_rows=5", expect=1)
    before = toy.manifests("left")
    assert toy.states("stages.left.min_rows=5")["both"] == "blocked"
    assert "3 of 4 stages done" in toy("run", "stages.left.min_rows=5", expect=1)
    assert "1 of 4 stages to run" in toy("run", "stages.left.min_rows=4")
    assert toy.manifests("left") == before


def test_a_stage_killed_in_the_middle_resumes_to_the_same_result(
    toy: Toy, finished_once: Path
) -> None:
    killed = toy("run", "stages.right.trouble.kill_at=2", expect=1)
    assert "right: FAILED (exit code -9): its process was ended by SIGKILL" in killed
    assert toy.states(verb="plan")["right"] == "resume"
    assert "right: started again from its work directory" in toy("run")
    (resumed,), (whole,) = toy.manifests("right"), Toy(finished_once).manifests("right")
    assert resumed["facts"]["started_at"] == 2
    assert [attempt["outcome"] for attempt in resumed["attempts"]] == ["killed", "finished"]
    assert resumed["files"]["numbers.json"] == whole["files"]["numbers.json"]
    steps = [
        [json.loads(line)["step"] for line in file.read_text().splitlines()]
        for store in (toy.store, Toy(finished_once).store)
        for file in (store / "right").glob("*/metrics.jsonl")
    ]
    assert steps == [[1, 2, 3], [1, 2, 3]], "each point of the curve once"


def test_small_files_of_another_shape_cost_a_stage_nothing(toy: Toy, finished_once: Path) -> None:
    toy("run", "stages.right.trouble.kill_at=2", expect=1)
    [work] = (toy.store / ".work" / "right").iterdir()
    [fingerprint] = (path.name for path in work.parent.iterdir())
    with (work / "metrics.jsonl").open("ab") as curve:
        curve.write(b'[]\n{"step": 9}\xff\n{"step": "2"}\n{"step": 3, "su')
    (work / "attempts.json").write_text('[{"outcome": 7}]')
    (work / "progress.json").write_text('{"done": "all", "time": NaN}')
    (toy.store / ".leases" / f"right-{fingerprint}.json").write_text("[7]")
    for cache in (toy.store / ".cache").iterdir():
        cache.write_text("[null]")
    [output] = work.glob("output-*")
    shutil.rmtree(output)
    output.write_text("no folder")
    (toy.store / ".work" / "both").symlink_to(toy.store / "nowhere")
    said = toy("run")
    assert "right: started again from its work directory" in said
    assert "Traceback" not in said
    assert f"{work / 'attempts.json'} cannot be used and counts as absent" in said
    (resumed,), (whole,) = toy.manifests("right"), Toy(finished_once).manifests("right")
    assert resumed["facts"]["started_at"] == 2
    assert resumed["files"]["numbers.json"] == whole["files"]["numbers.json"]
    [curve_file] = (toy.store / "right").glob("*/metrics.jsonl")
    assert [json.loads(line)["step"] for line in curve_file.read_text().splitlines()] == [1, 2, 3]


def test_ctrl_c_stops_the_stages_and_says_how_to_go_on(toy: Toy) -> None:
    process = toy.start("run", "stages.left.delay=20", "launcher.max_parallel=1")
    try:
        work = toy.store / toy.wait_for("left-*.json").stem.replace("left-", ".work/left/")
        wait_for(work / "attempts.json")
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130, output
    assert "To go on: r1 run stages.left.delay=20 launcher.max_parallel=1" in output
    assert "Traceback" not in output
    assert toy.states() == {"numbers": "done", "left": "resume", "right": "run", "both": "run"}
    attempts = json.loads((work / "attempts.json").read_text())
    assert attempts[-1]["outcome"] == "stopped"
    assert "3 of 4 stages to run" in toy("run")


def test_a_stage_ends_when_its_runner_is_killed(toy: Toy) -> None:
    process = toy.start("run", "stages.left.delay=20", "until=left")
    wait_for(toy.store / ".work" / "left")
    leases = toy.store / ".leases"
    deadline = time.monotonic() + 60
    while not (held := list(leases.glob("left-*.json"))):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    time.sleep(0.1)
    pid = json.loads(held[0].read_text())["pid"]
    process.kill()
    process.communicate()
    while psutil.pid_exists(pid):
        assert time.monotonic() < deadline, "the stage lives on"
        time.sleep(0.02)
    assert toy.states()["left"] == "resume"


def test_two_runners_make_each_result_once(toy: Toy) -> None:
    overrides = ("stages.left.delay=0.3", "stages.right.delay=0.3")
    runners = [toy.start("run", *overrides) for _ in range(2)]
    outputs = [runner.communicate(timeout=180)[0] for runner in runners]
    assert [runner.returncode for runner in runners] == [0, 0], outputs
    for stage in ALL:
        (manifest,) = toy.manifests(stage)
        assert len(manifest["attempts"]) == 1


def test_until_runs_what_is_needed_and_only_needs_its_inputs(toy: Toy) -> None:
    toy("run", "until=left")
    assert toy.states() == {"numbers": "done", "left": "done", "right": "run", "both": "run"}
    missing = toy("run", "only=both", expect=2)
    assert "only=both: inputs are not there: both needs right" in missing
    assert "Make them first: r1 run until=right" in missing
    toy("run", "only=right")
    assert "1 of 1 stages done" in toy("run", "only=both")


def test_a_corrupt_artifact_is_reported_moved_aside_and_made_again(finished: Toy) -> None:
    (file,) = (finished.store / "left").glob("*/numbers.json")
    before = file.read_text()
    file.write_text(before.replace("2", "9"))
    assert finished.states(verb="plan") == dict.fromkeys(ALL, "done") | {"left": "run"}
    output = finished("run")
    assert "left: corrupt, made again" in output
    assert "numbers.json does not match its checksum" in output
    assert file.read_text() == before
    assert len(list((finished.store / ".corrupt").iterdir())) == 1


def test_a_shipped_artifact_is_adopted_and_nothing_runs_for_it(toy: Toy, tmp_path: Path) -> None:
    toy("run", "until=numbers")
    toy.store.rename(tmp_path / "shipped")
    adopt = f"paths.adopt=[{tmp_path / 'shipped'}]"
    assert toy.states(adopt, verb="plan")["numbers"] == "done"
    assert f"numbers: adopted from {tmp_path / 'shipped'}" in toy("run", adopt)
    assert "stage_started numbers" not in (toy.latest_run() / "diary.txt").read_text()
    assert set(toy.states().values()) == {"done"}


def test_what_ships_for_other_settings_is_said_to_be_made_anew_before_it_is(
    toy: Toy, tmp_path: Path
) -> None:
    toy("run", "until=left")
    toy.store.rename(tmp_path / "shipped")
    words = (f"paths.adopt=[{tmp_path / 'shipped'}]", "until=left")
    assert "made anew" not in toy("plan", *words)
    for verb in ("plan", "run"):
        output = " ".join(toy(verb, *words, "seed=1").split())
        assert "numbers, left: what ships was made with other settings" in output
        assert "(see `r1 why numbers " in output
        assert "so it is made anew. It took 0:0" in output
    assert output.index("made anew") < output.index("numbers: started")


def test_an_input_that_ships_is_adopted_for_a_stage_that_runs_alone(
    toy: Toy, tmp_path: Path
) -> None:
    toy("run", "until=numbers")
    toy.store.rename(tmp_path / "shipped")
    output = toy("run", "only=left", f"paths.adopt=[{tmp_path / 'shipped'}]")
    assert "numbers: adopted from" in output
    assert "1 of 1 stages done" in output


def test_a_full_disk_is_one_message_and_loses_nothing(toy: Toy) -> None:
    output = toy("run", "stages.left.trouble.full_disk=true", expect=1)
    assert "left: FAILED (exit code 1): the disk is full" in output
    assert "Every finished stage is kept" in output
    assert toy.states()["right"] == "done"


def test_a_broken_tracker_never_stops_a_run(toy: Toy) -> None:
    output = toy("run", "tracking.breaks_at=stage_finished")
    assert "tracking stopped at stage_finished: ConnectionError: the server is down" in output
    assert "4 of 4 stages done" in output


def test_multirun_runs_the_pipeline_once_per_value(toy: Toy) -> None:
    output = toy("run", "-m", "seed=1,2", "until=numbers")
    assert output.count("1 of 1 stages done") == 2
    assert [m["seed"] for m in toy.manifests("numbers")] == [1, 2]
    table = output.splitlines()[-5:]
    assert [line.split() for line in table[:3]] == [
        ["run", "state"],
        ["seed=1", "done"],
        ["seed=2", "done"],
    ]
    first, second = (line.split(": ")[1] for line in table[3:])
    assert "seed: 1\n" in (Path(first) / "config.yaml").read_text()
    assert "seed: 2\n" in (Path(second) / "config.yaml").read_text()


def test_a_failed_job_of_a_multirun_is_its_exit_code_and_stands_in_its_json(toy: Toy) -> None:
    words = ("run", "-m", "--json", "stages.left.trouble.fail=true,false")
    process = toy.start(*words, stderr=subprocess.DEVNULL)
    printed, _ = process.communicate(timeout=180)
    assert process.returncode == 1
    failed, done = json.loads(printed)["runs"]
    assert failed["differs"] == ["stages.left.trouble.fail=True"], "as Hydra writes it"
    assert (failed["state"], failed["exit_code"]) == ("failed", 1)
    assert (done["state"], done["exit_code"]) == ("done", 0)
    assert set(toy.states().values()) == {"done"}


SIX = ["stage", "kind", "state", "fingerprint", "artifact", "seconds"]


def test_json_has_one_row_per_stage_and_the_plan_has_sources_edges_numbers_and_warnings(
    toy: Toy,
) -> None:
    toy("run", "until=numbers")
    assert list(toy.rows(verb="status")[0]) == SIX
    plan = json.loads(toy("plan", "--json"))
    numbers, left, _, both = plan["stages"]
    assert list(numbers) == [*SIX, "reason", "source", "edges", "numbers"]
    assert numbers["artifact"] == str(toy.store / "numbers" / numbers["fingerprint"])
    assert numbers["seconds"] > 0
    assert (numbers["source"], left["source"]) == ("counted here", "")
    assert (left["state"], left["artifact"], left["seconds"]) == ("run", None, None)
    assert left["numbers"] == {"additions": 8}, "2 steps × 4 rows"
    assert both["edges"] == [{"edge": "data_from", "stage": stage} for stage in ("left", "right")]
    assert plan["warnings"] == []


def test_the_plan_shows_edges_and_numbers_that_follow_from_finished_inputs(toy: Toy) -> None:
    toy("run", "until=numbers")
    output = toy("plan")
    assert "from counted here" in output
    assert "← left (data_from), right (data_from)" in output
    assert "additions 12" in output, "3 steps × 4 rows"
    assert "4 stages: 1 done, 3 to run" in output


def test_the_report_is_built_again_from_the_artifacts(finished: Toy) -> None:
    report = finished.latest_run() / "report" / "report.md"
    report.unlink()
    assert finished("report").strip() == str(report)
    assert report.exists()
    assert set(json.loads(finished("report", "--json"))["stages"]) == set(ALL)


def test_the_plan_warns_of_code_that_changed_under_the_same_version(finished: Toy) -> None:
    assert "warning" not in finished("plan")
    shutil.copytree(HERE / "toy_recipe", finished.folder / "toy_recipe")
    with (finished.folder / "toy_recipe" / "stages.py").open("a") as code:
        code.write("# changed\n")
    output = finished("plan")
    assert "its version did not" in json.loads(finished("plan", "--json"))["warnings"][0]
    assert "warning: the code of kind `work` changed since left, right ran" in output
    assert "4 done, 0 to run" in output
