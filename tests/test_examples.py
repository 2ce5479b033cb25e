"""The examples of docs/examples: held against the schemas of who runs them, and composed here."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from stages.project import main

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT / "tests" / "data"
EXAMPLES = sorted((ROOT / "docs" / "examples").glob("*.yaml"))


def path_of(name: str) -> Path:
    [path] = [path for path in EXAMPLES if path.stem == name]
    return path


def of(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(path_of(name).read_text())
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


def closed(schema: Any) -> Any:
    """The same, but unknown keys are refused, as kubectl and the server do by default."""
    if isinstance(schema, list):
        return [closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: closed(part) for key, part in schema.items()}
    named = isinstance(schema.get("properties"), dict) and schema.get("type") == "object"
    return {"additionalProperties": False, **found} if named else found


def wrong(value: Any, of: str, strict: bool = False) -> list[str]:
    """What a schema of tests/data says against a value."""
    schema = json.loads((DATA / of).read_text())
    checked = jsonschema.validators.validator_for(schema)(closed(schema) if strict else schema)
    return [f"{error.json_path}: {error.message}" for error in checked.iter_errors(value)]


def test_kubernetes_knows_every_key_of_the_jobset_and_of_its_pods() -> None:
    assert wrong(of("jobset"), "jobset/v1alpha2.json", strict=True) == []


def test_skypilot_knows_every_key_of_its_task() -> None:
    task = of("skypilot")
    assert wrong(task, "skypilot/task.json") == []
    assert wrong(task["resources"], "skypilot/resources.json") == []


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("backoffLimit", "backofLimit", "'backofLimit' was unexpected"),
        ("restartPolicy", "restartPolice", "'restartPolice' was unexpected"),
        ("claimName", "claim", "'claimName' is a required property"),
        ("parallelism: 1", "parallelism: one", "'one' is not of type 'integer'"),
        ("operator: Any", "operator: Some", "'Some' is not one of"),
    ],
)
def test_a_key_or_value_that_kubernetes_does_not_know_is_found(
    before: str, after: str, words: str
) -> None:
    changed = yaml.safe_load(path_of("jobset").read_text().replace(before, after))
    assert words in "\n".join(wrong(changed, "jobset/v1alpha2.json", strict=True))
