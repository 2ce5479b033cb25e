"""RL by an engine in an environment of its own: verl, slime (stages/engines; docs/engines.md).

Problems, prompts, verifiers and rewards are those of every RL stage, and so is what is published.
"""

from __future__ import annotations

from pipeline.artifact import Inputs
from pipeline.context import Context
from pipeline.kinds import Outputs
from stages.engines import trainable
from stages.engines.exports import skeleton
from stages.engines.prompts import read_alike
from stages.engines.registry import ENGINES
from stages.engines.train import Training
from stages.kinds.rl.config import RLConfig
from stages.kinds.rl.facts import facts_of
from stages.kinds.rl.prepare import begin, terms_of
from stages.training import compute
from stages.verifiers.pool import VerifierPool
from stages.verifiers.selfcheck import require_references


def run(config: RLConfig, inputs: Inputs, context: Context) -> Outputs:
    """Train the model of `init_from` on the problems of `data_from`, by the engine of `engine`."""
    begun = begin(config, inputs, context)
    source, tokenizer = begun.source, begun.tokenizer
    trainable.require(source, f"stages.{context.stage}.init_from")
    prompts, unlike = read_alike(begun.prompts, tokenizer, config)
    kept = {"read_otherwise_by_the_engine": unlike, "kept": len(prompts)}
    funnel = {name: count for name, count in begun.funnel.items() if name not in kept} | kept
    with VerifierPool.of(config.verifiers) as pool:
        require_references(begun.problems.unproved(prompts), pool, f"stage {context.stage}")
        terms = terms_of(config, inputs, prompts, pool, context.stage)
        engine = ENGINES[config.engine.name]
        training = Training(config, engine, source, tokenizer, prompts, terms, pool, context)
        health = training.run()
        pool.tally.write(context.output)
    reads = compute.FORWARD if config.kl_coefficient else 0
    cost = compute.Cost(
        compute.parameters(skeleton(source)), compute.FORWARD + compute.LEARN + reads
    )
    facts = {
        **facts_of(config, context.points(), config.max_steps),
        "engine": {"name": config.engine.name, "segments": len(training.segments)},
        "compute": cost.facts(training.tokens_seen()),
        "health": health,
    }
    return Outputs(facts=facts, funnel=funnel)
