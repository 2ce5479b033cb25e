"""What each algorithm makes of rewards, worked out by hand; and how it is chosen."""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch
import torch.nn.functional as F
from transformers import AutoTokenizer
from trl.trainer.utils import nanstd

from pipeline.compose import compose
from stages.kinds.rl.config import Algorithm, Rationalisation, RLConfig
from stages.kinds.rl.settle import settled
from stages.project import R1
from stages.rewards.terms import Batch, Term
from stages.rl.algorithms.advantages import advantages, right
from stages.rl.algorithms.drawing import (
    AlgorithmDrawer,
    hinted_prompts,
    overlong_score,
    with_tries,
)
from stages.rl.algorithms.preferences import NO_PAIR, coefficients, pair_up
from stages.rl.algorithms.values import advantages_and_returns, value_loss
from stages.rl.groups import Group, Sample
from stages.rl.peers import Peers
from stages.rl.prompt_stream import PromptStream
from stages.rl.prompts import prepare_prompts
from stages.rollout.engine import Completion
from stages.settings.training import Optimizer
from stages.tiny.problems import generate
from stages.verifiers.answer import parse
from tests.shipped import shipped

NAN = math.nan
REWARDS = torch.tensor([1.0, 0.0, 0.0, 2.0, 1.0, 1.0, 1.0, 1.0])  # two questions, four samples


def found(rewards=REWARDS, group=4, **settings) -> list[float]:
    return advantages(shipped(Algorithm, **settings), rewards, group).tolist()


def test_grpo_is_the_distance_from_the_groups_mean_in_its_standard_deviations():
    # mean 0.75; squares 0.0625 + 0.5625 + 0.5625 + 1.5625 = 2.75, over 3 is 0.91667, root 0.95743
    by_hand = [0.25 / 0.95753, -0.75 / 0.95753, -0.75 / 0.95753, 1.25 / 0.95753, 0, 0, 0, 0]
    assert found() == pytest.approx(by_hand, abs=1e-4)


def test_grpo_is_trls_own_formula_to_the_last_bit():
    rewards = torch.rand(64, generator=torch.Generator().manual_seed(0))
    groups = rewards.view(-1, 8)
    spread = nanstd(groups, dim=1).repeat_interleave(8)
    trls = (rewards - torch.nanmean(groups, dim=1).repeat_interleave(8)) / (spread + 1e-4)
    assert torch.equal(advantages(shipped(Algorithm), rewards, 8), trls)


def test_dr_grpo_divides_by_no_standard_deviation():
    assert found(scale_rewards="none") == [0.25, -0.75, -0.75, 1.25, 0, 0, 0, 0]


def test_rloo_is_the_distance_from_the_mean_of_the_others():
    settings = {"advantage": "leave_one_out", "scale_rewards": "none"}
    by_hand = [1 - 2 / 3, 0 - 1, 0 - 1, 2 - 1 / 3, 0, 0, 0, 0]
    assert found(**settings) == pytest.approx(by_hand)
    judged = torch.tensor([1.0, NAN, 0.0, NAN, 1.0, NAN, NAN, NAN])  # alone there is no baseline
    assert found(judged, **settings) == [1, 0, -1, 0, 0, 0, 0, 0]


def test_right_samples_weigh_one_and_wrong_ones_nothing_whatever_their_group():
    scores = torch.tensor([[1.0, 1.0], [1.0, 0.0], [0.0, 1.0], [NAN, 1.0]])
    names = ["accuracy", "format"]
    algorithm = shipped(Algorithm, advantage="right", right=["accuracy"])
    flags = right(algorithm.right, names, scores)
    assert advantages(algorithm, scores.nansum(1), 4, flags).tolist() == [1, 1, 0, 0]
    assert right(["accuracy", "format"], names, scores).tolist() == [True, False, False, False]
    solved = torch.ones(4, 2)
    assert advantages(algorithm, solved.sum(1), 4, right(["accuracy"], names, solved)).sum() == 4


VALUES = torch.tensor([[0.5, 0.25, 1.0], [0.25, 0.5, 9.0]])
MASK = torch.tensor([[1, 1, 1], [1, 1, 0]])


def test_with_lambda_one_ppos_advantage_is_the_return_minus_the_value():
    rewards = torch.tensor([2.0, 1.0])
    found, returns = advantages_and_returns(rewards, VALUES, MASK, gae_lambda=1.0, discount=1.0)
    assert found.tolist() == [[1.5, 1.75, 1.0], [0.75, 0.5, 0.0]]
    assert returns.tolist() == [[2.0, 2.0, 2.0], [1.0, 1.0, 0.0]]


def test_gae_by_hand_with_a_lambda_and_a_discount_below_one():
    found, returns = advantages_and_returns(
        torch.tensor([2.0, 1.0]), VALUES, MASK, gae_lambda=0.5, discount=0.5
    )
    # δ: 0.5·0.25 − 0.5 = −0.375, 0.5·1 − 0.25 = 0.25, 2 − 1 = 1; A: 1, 0.25 + 0.25·1, −0.375 + …
    assert found[0].tolist() == [-0.375 + 0.25 * 0.5, 0.5, 1.0]
    # δ: 0.5·0.5 − 0.25 = 0, 1 − 0.5 = 0.5
    assert found[1].tolist() == [0.125, 0.5, 0.0]
    assert returns[1].tolist() == [0.375, 1.0, 0.0]


def test_a_value_that_ran_further_than_the_clip_has_no_gradient_towards_its_return():
    values = torch.tensor([[0.5, 0.1, 0.5]], requires_grad=True)
    old, returns = torch.zeros(1, 3), torch.tensor([[1.0, 1.0, -1.0]])
    loss = value_loss(values, old, returns, torch.tensor([[1, 1, 1]]), clip=0.2)
    # (0.2 − 1)² beats (0.5 − 1)² and is flat; 0.1 is near; away from its return the free one counts
    assert loss.item() == pytest.approx(0.5 * (0.64 + 0.81 + 2.25))
    loss.backward()
    assert values.grad.tolist() == [[0.0, pytest.approx(-0.9), pytest.approx(1.5)]]


def test_pairs_are_a_questions_right_with_its_wrong_samples_one_each():
    flags = torch.tensor([1.0, 0, 1, 0, 0, 0, 1, 1])
    assert pair_up(flags, 4).tolist() == [0, 0, 1, 1, 2, 3, 2, 3]
    assert pair_up(torch.tensor([1.0, 1, 1, 0, 1, 1, 1, 1]), 4).tolist() == [
        0,
        -1,
        -1,
        0,
        *[-1] * 4,
    ]


def test_dpos_coefficients_are_the_gradient_of_its_loss_in_any_order_of_rows():
    order = torch.tensor([5, 0, 7, 3, 1, 6, 4, 2])
    flags = torch.tensor([1.0, 0, 1, 0, 0, 0, 1, 1])
    pairs = torch.tensor([0, 0, NO_PAIR, NO_PAIR, 2, 1, 1, 2])
    logps = torch.tensor([-3.0, -2, -5, -1, -4, -2.5, -6, -3.5], requires_grad=True)
    reference = torch.tensor([-2.0, -2, -5, -2, -3, -3.0, -5, -4])
    ratio = logps - reference
    margins = [ratio[0] - ratio[1], ratio[6] - ratio[5], ratio[7] - ratio[4]]
    loss = -F.logsigmoid(0.3 * torch.stack(margins)).mean()  # arXiv 2305.18290, equation 7
    loss.backward()
    weights, told = coefficients(ratio.detach()[order], flags[order], pairs[order], beta=0.3)
    torch.testing.assert_close(-weights, logps.grad[order])
    torch.testing.assert_close(told, loss.detach())


def test_a_step_without_pairs_weighs_nothing():
    weights, loss = coefficients(torch.zeros(2), torch.ones(2), torch.full((2,), NO_PAIR), beta=0.1)
    assert weights.tolist() == [0, 0]
    assert loss == 0


def test_the_punishment_of_length_is_dapos():
    # 2503.14476, 4.1: 16,384 tokens are free, the next 4,096 cost up to 1
    lengths = (16_384, 17_408, 20_480, 30_000)
    assert [overlong_score(n, 20_480, 0.2) for n in lengths] == pytest.approx([0, -0.25, -1, -1])


def test_right_second_tries_take_the_place_of_wrong_samples():
    zero, one, two, tried = (
        Sample(Completion([n], str(n), [0.0], "stop", 0), parse(str(n)), [float(n > 8)])
        for n in (0, 1, 2, 9)
    )
    group = with_tries(Group(4, [zero, one, two]), [tried])
    assert [completion.text for completion in group.completions] == ["9", "1", "2"]
    assert group.scores == [[1.0], [0.0], [0.0]]


def test_an_algorithms_own_clip_and_kl_go_before_the_stages():
    stage = shipped(
        RLConfig,
        kind="rl",
        optimizer=Optimizer(learning_rate=1e-6),
        kl_coefficient=0.001,
        clip_low=10.0,
    )
    stage = dataclasses.replace(stage, reference_sync_steps=400, clip_high=10.0)
    assert settled(stage) == stage
    dapo = shipped(Algorithm, clip_low=0.2, clip_high=0.28, kl_coefficient=0.0)
    found = settled(dataclasses.replace(stage, algorithm=dapo))
    assert (found.clip_low, found.clip_high) == (0.2, 0.28)
    assert (found.kl_coefficient, found.reference_sync_steps) == (0.0, 0)


def test_one_word_chooses_the_algorithm_of_every_rl_stage_and_a_key_changes_one():
    words = ["recipe=r1_zero", "algorithm=dapo", "stages.zero.algorithm.clip_high=0.3"]
    stage = compose(R1, words).stages["zero"]
    assert (stage.algorithm.name, stage.algorithm.loss_type) == ("dapo", "dapo")
    assert (stage.algorithm.clip_low, stage.algorithm.clip_high) == (0.2, 0.3)
    assert stage.dynamic_sampling.budget == 2.0, "the algorithm's"


def test_another_algorithm_can_be_put_in_one_stage_alone():
    words = ["recipe=r1", "+algorithm@stages.dev2.algorithm=rloo"]
    stages = compose(R1, words).stages
    assert stages["dev2"].algorithm.advantage == "leave_one_out"
    assert stages["zero"].algorithm == shipped(Algorithm)
    assert stages["zero"].algorithm.rationalisation == shipped(Rationalisation)


class Judge:
    """A model that knows an answer where the prompt gives it away, and a term that judges it."""

    def __init__(self, tokenizer) -> None:
        self.tokenizer = tokenizer
        self.asked: list[str] = []

    def answer(self, requests, step):
        for number, request in enumerate(requests):
            prompt = self.tokenizer.decode(request.prompt_ids)
            self.asked.append(prompt)
            told = prompt.partition("answer is ")[2].partition(")")[0]
            seen = [Completion([1, 2], told or "?", [0.0, 0.0], "stop", 0)] * request.n
            yield [(number, completion) for completion in seen]

    def score(self, batch: Batch) -> list[float | None]:
        pairs = zip(batch.rows, batch.completions, strict=True)
        return [float(text == row["reference"]) for row, text in pairs]


def test_a_failed_question_is_asked_again_with_a_hint_where_its_answer_can_be_read(tiny_model_dir):
    tokenizer = AutoTokenizer.from_pretrained(tiny_model_dir)
    judge = Judge(tokenizer)
    algorithm = shipped(
        Algorithm, rationalisation=shipped(Rationalisation, hint=" (the answer is {reference})")
    )
    config = shipped(
        RLConfig,
        kind="rl",
        seed=0,
        algorithm=algorithm,
        samples_per_question=2,
        max_prompt_tokens=200,
    )
    rows = generate("math", "en", 2, 0, "train")
    rows[1]["reference"] = "assert f(1) == 2\nassert f(2) == 3"
    prompts, _ = prepare_prompts(rows, tokenizer, config)
    term = Term("accuracy", 1.0, 0, math.inf, frozenset(), judge.score)
    stream = PromptStream(len(prompts), 0, config.curriculum)
    drawer = AlgorithmDrawer(
        *(config, prompts, [term], stream, Peers(config.rollout), judge.answer),
        ask=hinted_prompts(tokenizer, None),
    )
    groups = {group.prompt: group for group in drawer.draw(2, 0)}
    assert [c.text for c in groups[0].completions] == [rows[0]["reference"], "?"]
    assert groups[0].scores == [[1.0], [0.0]]
    assert groups[1].scores == [[0.0], [0.0]]
    assert len(judge.asked) == 3, "a test suite is no hint"
    assert judge.asked[2].count("(the answer is") == 1
    assert (drawer.spent.samples, drawer.rationalised) == (5, 1)
