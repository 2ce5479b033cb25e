"""The command of a project: one verb, then Hydra overrides.

Exit codes: 0, 1 a stage failed, 2 the request is wrong, 130 stopped by Ctrl-C. An error is one
message; `--debug` shows the traceback.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline import disk
from pipeline.errors import RecipeError, UsageError
from pipeline.overrides import parsed
from pipeline.project import Project, load

if TYPE_CHECKING:
    from pipeline.compose import Composed

_VERBS = {
    "run": "run the recipe: what is done is kept, what stopped is resumed",
    "attach": "show what a run says that was started with `r1 run --detach`: the newest, or RUN",
    "cancel": "stop a run and its jobs from anywhere that sees its folder: the newest, or RUN",
    "plan": "show the graph, what would run, and the numbers that follow from the config",
    "status": "show how every stage stands",
    "why": "say what differs from the nearest result of a stage",
    "report": "build the report again from the manifests; `report A B` compares two runs",
    "push": "send what `paths.publish` lacks of finished results: all of the recipe, or STAGE…",
    "gc": "list what is left over in the store, with its size; --delete asks and removes it",
    "doctor": "show what this machine has; --cluster looks at a cluster before anything is queued",
}
_HYDRA_FLAGS = ("-m", "--multirun", "--cfg", "-c", "--info", "-i", "--hydra-help")
_EPILOG = """Overrides are Hydra's, KEY=VALUE; `r1 run --help` has examples.
`r1 run` also takes Hydra's own flags: -m for sweeps, --cfg job, --info, --help."""
_JSON_VERBS = ("plan", "status", "why", "report", "push", "doctor")


def main(project: Project, arguments: Sequence[str] | None = None) -> int:
    """Carry out what a command line asks of a project; the exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in given
    given = [argument for argument in given if argument != "--debug"]
    try:
        with disk.told(Path.cwd()):
            return _dispatch(project, given)
    except RecipeError as error:
        return _shown(error, error.exit_code, debug)
    except KeyboardInterrupt:  # a run that has begun says itself how it stands
        print("interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader of our output went away, as `head` does
        sys.stderr.close()
        return 1


def _dispatch(project: Project, given: list[str]) -> int:
    verb, rest = (given[0], given[1:]) if given else ("", [])
    if verb in project.commands:
        return int(load(project.commands[verb])(rest) or 0)
    if verb == "run" and {"-h", "--help"} & set(rest):
        from pipeline.run_help import page

        print(page(project))
        return 0
    if verb == "run" and any(r.partition("=")[0] in _HYDRA_FLAGS for r in rest):
        from pipeline.hydra_main import run_with_hydra

        return run_with_hydra(project, rest)
    verbs = [*_VERBS, *project.commands]
    if verb and verb not in verbs and not verb.startswith("-"):
        from pipeline.graph import did_you_mean

        raise UsageError(f"{verb}: no such verb. {did_you_mean(verb, verbs)}")
    if verb not in _VERBS:
        _overview(project).parse_args(given)
    return _run_verb(project, verb, parsed(_parser(project, verb), rest))


def _run_verb(project: Project, verb: str, options: argparse.Namespace) -> int:
    from pipeline.compose import compose
    from pipeline.situation import paths_of

    runs: list[str] = []
    if verb in ("report", "attach", "cancel", "push"):  # a run or a stage sets nothing
        runs = [w for w in options.overrides if "=" not in w and not w.startswith("~")]
        options.overrides = [w for w in options.overrides if w not in runs]
    options.runs = runs
    composed = compose(project, options.overrides)
    with disk.told(paths_of(composed.root, project.conf_dir().parent).store):
        return _carry_out(project, verb, options, composed)


def _carry_out(project: Project, verb: str, options: argparse.Namespace, composed: Composed) -> int:
    from pipeline import commands, detached
    from pipeline.situation import paths_of

    match verb:
        case "run" if options.detach:
            return detached.start(paths_of(composed.root, project.conf_dir().parent))
        case "attach" | "cancel":
            paths = paths_of(composed.root, project.conf_dir().parent)
            carry_out = detached.attach if verb == "attach" else detached.cancel
            return carry_out(paths, options.runs)
        case "run":
            from pipeline.run_command import execute

            return execute(project, composed)
        case "plan" if options.page:
            form = "json" if options.json else "markdown" if options.markdown else "text"
            return int(load(project.plans[options.page])(project, composed, form))
        case "plan":
            from pipeline.plan_command import plan

            return plan(project, composed, options.json)
        case "status":
            return commands.status(project, composed, options.json)
        case "why":
            return commands.why(project, composed, options.stage, options.json, options.against)
        case "report" if options.runs:
            return commands.compare(project, composed, options.runs, options.json)
        case "report":
            return commands.report(project, composed, options.json)
        case "push":
            from pipeline.remote.push import push

            return push(project, composed, options.runs, options.json)
        case "gc":
            from pipeline.leftovers import gc

            return gc(
                project,
                composed,
                delete=options.delete,
                others=options.others,
                asked=options.yes,
            )
        case "doctor" if options.cluster:
            from pipeline.launchers.probe import command

            return command.main(project, composed, options.json, options.wait)
        case "doctor" if options.data or options.json:
            if project.look is None or not options.data:
                raise UsageError("doctor --json: only with --cluster or --data")
            return int(load(project.look)(project, composed, options.json))
        case _:
            return _doctor(project, composed.root)


def _doctor(project: Project, root: dict[str, Any]) -> int:
    from pipeline import doctor
    from pipeline.tracking.destination import described

    paths = root["paths"]
    found = doctor.facts(Path(paths["store"]).absolute())
    found |= {name: str(load(check)()) for name, check in project.checks.items()}
    found["MLflow"] = described(root, paths["root"])
    print("\n".join(f"{name:10} {text}" for name, text in found.items()))
    return 0


def _overview(project: Project) -> argparse.ArgumentParser:
    """Shows the verbs, or says that there is no such verb."""
    more = {verb: f"see `r1 {verb} --help`" for verb in project.commands}
    texts = "\n".join(f"  {verb:8} {text}" for verb, text in (_VERBS | more).items())
    parser = argparse.ArgumentParser(
        prog="r1",
        usage="r1 VERB [override ...] [--debug]",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description=f"{project.about}\n\nverbs:\n{texts}",
        epilog=_EPILOG,
    )
    parser.add_argument("verb", choices=[*_VERBS, *more], help=argparse.SUPPRESS)
    return parser


def _parser(project: Project, verb: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f"r1 {verb}", description=_VERBS[verb], epilog=_EPILOG)
    if verb == "run":
        text = "let it run by itself; see `r1 attach` and `r1 cancel`"
        parser.add_argument("--detach", action="store_true", help=text)
    if verb == "why":
        parser.add_argument("stage", help="the stage to explain")
        text = "compare with this result, not with the nearest; the first digits are enough"
        parser.add_argument("--against", metavar="FINGERPRINT", help=text)
    if verb in _JSON_VERBS:
        parser.add_argument("--json", action="store_true", help="print JSON")
    if verb == "plan":
        for page in project.plans:
            text = f"show the {page} of the recipe in place of its stages"
            parser.add_argument(
                f"--{page}", dest="page", action="store_const", const=page, help=text
            )
        parser.set_defaults(page=None)
        text = "with such a page: as Markdown"
        parser.add_argument("--markdown", action="store_true", help=text)
    if verb == "doctor":
        text = "look at what the recipe's stages read from elsewhere, and say what differs"
        parser.add_argument("--data", action="store_true", help=text)
        text = (
            "look at the cluster of launcher=…: what it has beside what stages ask, and its nodes"
        )
        parser.add_argument("--cluster", action="store_true", help=text)
        text = "with --cluster: how long the probe may wait for its nodes (10)"
        parser.add_argument("--wait", type=float, default=10.0, metavar="MINUTES", help=text)
    if verb == "gc":
        parser.add_argument("--delete", action="store_true", help="delete what is listed; asks")
        parser.add_argument("--yes", action="store_true", help="with --delete: do not ask")
        text = "list also what other settings and seeds made"
        parser.add_argument("--others", action="store_true", help=text)
    parser.add_argument("--debug", action="store_true", help="show tracebacks")
    text = "Hydra overrides, key=value"
    if verb == "push":
        text += "; and stages, by name"
    if verb in ("attach", "cancel"):
        text += "; or a run, by name or folder"
    if verb == "report":
        text += "; or two runs to compare: the earlier and the later, by name or folder"
    parser.add_argument("overrides", nargs="*", help=text)
    return parser


def _shown(error: RecipeError, code: int, debug: bool) -> int:
    if debug:
        raise error
    print(f"error: {error}", file=sys.stderr)
    return code
