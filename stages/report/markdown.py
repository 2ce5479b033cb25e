"""report.md: what was found, what ran and how long, the tables, the claims, what to mind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from stages.report import (
    beside,
    costs,
    critical_path,
    falls,
    origins,
    samples,
    seed_words,
    tables,
    trained,
)
from stages.report.cautions import care
from stages.report.evidence import Evidence
from stages.report.names import HEADLINE, NOT_REPRODUCED, NOT_RUN, REPRODUCED, UNDECIDED
from stages.report.page import CLAIMS, HEADLINES, SAMPLES, Page, Section

MARKS = {
    REPRODUCED: "✔ reproduced",
    NOT_REPRODUCED: "✘ not reproduced",
    UNDECIDED: "? undecided",
    NOT_RUN: "– not run",
}


def write(page: Page) -> str:
    """The whole report."""
    written = [f"## {p.title}\n\n{p.text}" if p.title else p.text for p in sections(page)]
    return "\n\n".join(written) + "\n"


def sections(page: Page) -> list[Section]:
    """The parts that this run has something to say in; the first is the headline."""
    configs = page.config.get("stages") or {}
    found = (
        (HEADLINES, "", _headline(page)),
        (CLAIMS, _title_of_claims(page), _claims(page)),
        ("seeds", "Seeds", seed_words.section(page.facts, page.shown)),
        ("stages", "The stages", _stages(page)),
        ("rl", "Reinforcement learning", _rl(page)),
        ("students", "Students", _students(page)),
        ("beside", "Beside the paper", _beside(page)),
        ("budget", "Thinking budget", page.figure("budget")),
        ("preference", "Preference reward that runs too long", page.figure("preference")),
        ("controls", "Controls", _controls(page)),
        ("others", "Other evaluated models", _others(page)),
        ("data", "Data", tables.funnels(page.artifacts)),
        (SAMPLES, "Samples", samples.sections(Evidence(page.first), page.shown["samples"])),
        ("reward_models", "Reward models", trained.reward_models(page.artifacts, configs)),
        ("training_cost", "What training cost", trained.computation(page.artifacts, configs)),
        ("cost", "What it cost", costs.section(page.artifacts, page.run.get("foreseen") or {})),
        ("weights", "Where the weights are", _weights(page)),
        ("ran", "What ran, on what, how long", _what_ran(page)),
        ("care", "To be read with care", care(page)),
    )
    return [Section(*parts) for parts in found if parts[-1]]


def _title_of_claims(page: Page) -> str:
    return "The ten claims" if len(page.facts["claims"]) == 10 else "Claims"


def _headline(page: Page) -> str:
    verdicts = [claim["verdict"] for claim in page.facts["claims"]]
    counts = ", ".join(f"{verdicts.count(v)} {v}" for v in MARKS)
    total = sum(page.facts["seconds"].values())
    moves = [
        f"{stage} {tables.number(page.facts['stages'][stage][HEADLINE]['value'])}"
        for stage in page.shown["stages"]
        if HEADLINE in page.facts["stages"].get(stage, {})
    ]
    lines = [
        f"# {page.run.get('name', 'Report')}",
        f"**Of {len(verdicts)} claims of the paper: {counts}.** "
        f"{len(page.artifacts)} stages, {tables.duration(total)} of computing.",
        *seed_words.headline(page.facts),
    ]
    if moves:
        lines.append("Held-out reasoning accuracy (pass@1, per cent): " + " → ".join(moves) + ".")
    return "\n\n".join(lines)


def _claims(page: Page) -> str:
    overview = tables.table(
        ["claim", "verdict"],
        [[f"{c['id']}. {c['statement']}", MARKS[c["verdict"]]] for c in page.facts["claims"]],
    )
    how = (
        "A claim is reproduced when the 95 % interval of every difference lies on the claimed side "
        "of its margin, not reproduced when one lies wholly on the other side, not run when a "
        "stage that it asks about was not, else undecided: the numbers do not tell. "
        "Problems are paired between stages; n is the number of problems or of RL steps. Shares "
        "are fractions: 0.1 is ten points."
    )
    if page.facts["asked"]:
        how += f" Asked: {', '.join(page.facts['asked'])}."
    details = tables.table(
        ["claim", "difference [95 %]", "claimed", "n", *seed_words.heads(page.facts), "verdict"],
        [
            _check(claim, check, seed_words.cells(check, page.facts))
            for claim in page.facts["claims"]
            for check in claim["checks"]
        ],
    )
    sources = "\n".join(f"{c['id']}. {c['source']}" for c in page.facts["claims"])
    parts = [overview, falls.sentences(page.facts["fell"]), page.figure("claims"), how, details]
    parts.append(f"Where the paper says so:\n\n{sources}")
    return "\n\n".join(part for part in parts if part)


def _check(claim: Mapping[str, Any], check: Mapping[str, Any], more: list[str]) -> list[str]:
    title = f"{claim['id']}. {check['says']}"
    claimed = f"{'>' if check['relation'] == 'greater' else '<'} {check['margin']:g}"
    if check["difference"] is None:
        why = f"{check['verdict']}: {check['reason']}"
        return [title, tables.NONE, claimed, tables.NONE, *more, why]
    numbers = f"{check['difference']:+.3f} [{check['low']:+.3f}, {check['high']:+.3f}]"
    return [title, numbers, claimed, f"{check['n']} {check['unit']}", *more, check["verdict"]]


def _stages(page: Page) -> str:
    names = page.shown["stages"]
    if not set(names) & set(page.facts["stages"]):
        return ""
    parts = [
        page.figure("stages"),
        tables.evaluations(names, page.facts["stages"]),
        f"{tables.NONE} not run or not measured. {seed_words.brackets(page.facts)}",
        tables.differences(page.facts["differences"]),
        tables.votes(page.facts["votes"], names),
        tables.paper(page.config["claims"]["paper"]),
    ]
    return "\n\n".join(part for part in parts if part)


def _rl(page: Page) -> str:
    looks = trained.validation(page.artifacts)
    how = (
        "Problems of their own, asked on the way: neither trained on nor part of the tables above. "
        "No claim reads them. cons@k is of those alone whose answers can be voted on (programs "
        "have no vote), accuracy of all: the two are not to be held against each other."
    )
    evidence = Evidence(page.artifacts)
    terms = trained.rewards(evidence, page.shown["last"])
    parts = (page.figure("rl_curves"), looks, how if looks else "", page.figure("rewards"), terms)
    return "\n\n".join(part for part in parts if part)


def _beside(page: Page) -> str:
    prompt = (page.config.get("size") or {}).get("prompt")
    figure = page.figure("held_out")
    return beside.section(page.facts["beside"], [figure] if figure else [], prompt)


def _students(page: Page) -> str:
    groups = page.shown["students"]
    trained = [stage for group in groups for stage in (group["base"], *group["trained"])]
    names = [stage for stage in dict.fromkeys(trained) if stage in page.facts["stages"]]
    if not names:
        return ""
    teacher = [page.shown["teacher"]] if page.shown["teacher"] in page.facts["stages"] else []
    table = tables.evaluations([*names, *teacher], page.facts["stages"])
    votes = tables.votes(page.facts["votes"], names)
    return "\n\n".join(part for part in (page.figure("students"), table, votes) if part)


def _controls(page: Page) -> str:
    return _evaluated(page, page.shown["controls"])


def _others(page: Page) -> str:
    shown = page.shown
    named = {*shown["stages"], *shown["controls"], shown["teacher"]}
    named |= {stage for group in shown["students"] for stage in (group["base"], *group["trained"])}
    named |= {name for name, a in page.artifacts.items() if a.type == "reward_model"}
    return _evaluated(page, [stage for stage in page.facts["stages"] if stage not in named])


def _evaluated(page: Page, stages: Iterable[str]) -> str:
    names = [stage for stage in stages if stage in page.facts["stages"]]
    if not names:
        return ""
    found = tables.evaluations(names, page.facts["stages"])
    votes = tables.votes(page.facts["votes"], names)
    return f"{found}\n\n{votes}" if votes else found


def _what_ran(page: Page) -> str:
    manifests = [artifact.manifest for artifact in page.artifacts.values()]
    run = page.run
    places = (page.config.get("launcher") or {}).get("max_parallel", 1)
    facts = {
        "Machine": "; ".join(sorted({origins.machine(m) for m in manifests} - {""})),
        "Code": ", ".join(sorted({origins.commit(m) for m in manifests} - {""})),
        "Recipe": ", ".join(f"{key} {run[key]}" for key in ("recipe", "profile") if run.get(key)),
        "Command": f"`{run['command']}`" if run.get("command") else "",
        "Latest run": tables.duration(run["seconds"]) if run.get("seconds") else "",
        **critical_path.facts(run, page.artifacts, places),
        "MLflow": _tracked(page),
    }
    lines = "\n".join(f"- {name}: {words}" for name, words in facts.items() if words)
    return f"{lines}\n\n{tables.time_spent(page.artifacts)}"


def _tracked(page: Page) -> str:
    """Whether MLflow holds the run; pipeline/tracking/delivery.py keeps this line true."""
    if not (page.config.get("tracking") or {}).get("experiment"):
        return ""
    return str(page.run.get("tracking") or "was still being told when this was written") + "."


def _weights(page: Page) -> str:
    """Every model's folder, and the project's words on how to load and ask one."""
    known = trained.weights(page.artifacts, page.folder)
    return "\n\n".join(part for part in (str(page.run.get("closing") or ""), known) if part)
