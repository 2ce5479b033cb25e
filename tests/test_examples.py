"""The examples of docs/examples: their structure, and the commands of this project in them."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from stages.project import main

EXAMPLES = sorted((Path(__file__).resolve().parents[1] / "docs" / "examples").glob("*.yaml"))


def of(name: str) -> dict[str, Any]:
    [path] = [path for path in EXAMPLES if path.stem == name]
    found: dict[str, Any] = yaml.safe_load(path.read_text())
    return found


def scripts(value: Any) -> Iterator[str]:
    """The texts of a file that are for a shell."""
    if isinstance(value, str) and "\n" in value:
        yield value
    elif isinstance(value, (dict, list)):
        for part in value.values() if isinstance(value, dict) else value:
            yield from scripts(part)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_the_scripts_of_an_example_are_bash_and_its_runs_compose(
    example: Path, own_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    texts = list(scripts(yaml.safe_load(example.read_text())))
    runs = set()
    for text in texts:
        assert subprocess.run(["bash", "-n", "-c", text], check=False).returncode == 0
        joined = text.replace("\\\n", " ")
        runs |= {tuple(shlex.split(found)) for found in re.findall(r"\br1 run (.*)", joined)}
    assert len(runs) == 1
    [words] = runs
    assert "launcher=ray" in words
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("R1_ROOT", str(own_folder))
        assert main(["plan", *words]) == 0, capsys.readouterr().err
    assert "zero" in capsys.readouterr().out


def test_the_jobset_starts_all_pods_anew_when_one_is_lost_and_ends_with_its_head() -> None:
    job_set = of("jobset")
    assert (job_set["apiVersion"], job_set["kind"]) == ("jobset.x-k8s.io/v1alpha2", "JobSet")
    spec, name = job_set["spec"], job_set["metadata"]["name"]
    jobs = {one["name"]: one for one in spec["replicatedJobs"]}
    assert spec["successPolicy"]["targetReplicatedJobs"] == ["head"]
    assert spec["failurePolicy"]["maxRestarts"] > 0
    pods = 0
    for one in jobs.values():
        job = one["template"]["spec"]
        assert job["backoffLimit"] == 0, "a pod alone that starts again meets nobody"
        assert job["template"]["spec"]["restartPolicy"] == "Never"
        assert job["parallelism"] == job["completions"]
        pods += one["replicas"] * job["parallelism"]
        [container] = job["template"]["spec"]["containers"]
        mounted = {mount["name"] for mount in container["volumeMounts"]}
        assert mounted == {volume["name"] for volume in job["template"]["spec"]["volumes"]}
        [script] = container["args"]
        host = f"{name}-head-0-0.{spec['network']['subdomain']}"
        assert f"--address {host}:6379 --min-nodes 2" in script
    assert pods == 2


def test_the_skypilot_file_has_no_key_that_skypilot_does_not_know() -> None:
    """Of its documented task: an unknown key is refused by it."""
    task = of("skypilot")
    assert task.keys() <= {"name", "num_nodes", "resources", "workdir", "volumes", "envs", "setup",
                           "run"}  # fmt: skip
    assert task["resources"].keys() <= {"accelerators", "disk_size"}
    assert all(isinstance(value, str) for value in task["envs"].values())
