"""A chat model behind an OpenAI-compatible server, to be evaluated like any other or to judge.

The stage asks the server what it offers and keeps where it is and what the model is called. Its
identity is the URL, the name and the `revision`: nobody can see from outside that other weights are
served under the same name, so whoever changes them says so by another revision; samples of the
former are then not taken for theirs.
"""

from __future__ import annotations

from pipeline.artifact import Inputs
from pipeline.context import Context
from pipeline.errors import UsageError
from pipeline.kinds import Outputs
from stages.kinds.served_model.kind import ServedModelConfig
from stages.rollout.chat_response import plain
from stages.rollout.chat_server import ChatServer, check_url
from stages.rollout.server_engine import Served

MOST_NAMED = 40  # of the models that a server offers


def run(config: ServedModelConfig, inputs: Inputs, context: Context) -> Outputs:
    """Find the model on its server and publish where it is."""
    key = f"stages.{context.stage}"
    check_url(config.url, f"{key}.url")
    offered = ChatServer(config.url, config.server).models()
    if offered is not None and config.model not in offered:
        names = sorted(offered)
        more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
        raise UsageError(
            f"{key}.model={config.model}: {config.url} does not offer it. "
            f"It offers: {plain(', '.join(names[:MOST_NAMED])) or 'nothing'}{more}"
        )
    sees = (offered or {}).get(config.model, {}).get("max_model_len")
    Served(config.url, config.model).write(context.output / "model")
    return Outputs(
        facts={
            "url": config.url,
            "model": config.model,
            "revision": config.revision,
            "sees_tokens": sees if isinstance(sees, int) else None,
        }
    )
