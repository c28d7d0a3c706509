from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest
from forks import TASK, CopiedFork, wanderer
from langchain_core.messages import BaseMessage

from symposia.agents import Action, Judge
from symposia.benchmarks import play
from symposia.benchmarks.sessions import Sessions
from symposia.episodes import Budget, Episode
from symposia.graphs.leave_tree import tree_of
from symposia.graphs.searching.agent_r import (
    ALPHAS,
    StepJudge,
    end_pairs,
    first_error,
    good_enough,
)
from symposia.graphs.searching.agent_r_collection import (
    agent_r_collection,
    by_verdict,
    partners,
    revisions_of,
)
from symposia.graphs.tree import Node, Tree
from symposia.models import ScriptedModel


def tree_with(parents: list[int], scores: dict[int, float]) -> Tree:
    tree = Tree([Node(0, text="Go.")])
    for number, parent in enumerate(parents, 1):
        depth = tree[parent].depth + 1
        tree.add(Node(number, parent, depth, Action(action=f"a{number}"), f"saw {number}"))
    for number, score in scores.items():
        tree[number].terminal, tree[number].visits, tree[number].total = True, 1, score
    return tree


async def collected(judge: Any, budget: Budget | None = None, **options: Any) -> Episode:
    team = agent_r_collection(
        wanderer(), judge, samples=2, descents=99, max_depth=5, **{"most": 99, **options}
    )
    async with Sessions(CopiedFork({"lrl": 1.0})) as sessions, sessions.world(TASK) as world:
        return await play(team, TASK, world, budget=budget)


def accuses_left(messages: list[BaseMessage]) -> str:
    """Calls a step bad when it went right at the start."""
    return f"<label>{'bad' if '[r]' in messages[-1].text else 'good'}</label>"


async def test_tree_and_first_errors_are_left_in_the_record_and_so_are_the_judges_calls() -> None:
    episode = await collected(StepJudge(ScriptedModel(accuses_left)))
    tree, revisions = tree_of(episode), revisions_of(episode)
    assert len(tree) == 15 and len(revisions) == 7
    for each in revisions:
        assert tree[each.good].reward == 1.0
        went_right = tree.path(each.bad)[1].text == "You are at [r]."
        assert each.error == (tree.path(each.bad)[1].id if went_right else None)
    judged = Counter(turn.agent for turn in episode.turns)["verifier"]
    assert judged == 1 + 1 + 5  # "r", "l", and each step of the bad plays below it, once


async def test_without_a_judge_bad_plays_are_kept_whole() -> None:
    episode = await collected(None)
    assert {each.error for each in revisions_of(episode)} == {None}
    assert {turn.agent for turn in episode.turns} == {"agent"}


async def test_no_more_pairs_are_judged_than_asked_for() -> None:
    assert len(revisions_of(await collected(None, most=2))) == 2


async def test_what_a_spent_budget_left_unjudged_is_not_revised() -> None:
    whole = await collected(StepJudge(ScriptedModel(accuses_left)))
    plays = Counter(turn.agent for turn in whole.turns)["agent"]
    cut = await collected(
        StepJudge(ScriptedModel(accuses_left)), Budget(calls=plays + 1), alpha=0.5
    )
    assert len(revisions_of(cut)) <= 1 < len(revisions_of(whole))
    assert "calls" in cut.outcome.stop or cut.outcome.success
    assert len(tree_of(cut)) == len(tree_of(whole))


def test_a_bad_play_is_paired_with_the_good_one_that_it_shares_most_with() -> None:
    # 1 -> (2 -> 3 good, 4 bad), 5 good; root -> 6 bad
    tree = tree_with([0, 1, 2, 2, 1, 0], {3: 1.0, 4: 0.0, 5: 1.0, 6: 0.0})
    pairs = {bad: good for good, bad in partners(tree, 0.5, 0.2, random.Random(0))}
    assert pairs[4] == 3
    assert set(pairs) == {4, 6} and pairs[6] in (3, 5)


def test_pairs_come_out_the_same_for_a_seed() -> None:
    tree = tree_with([0] * 8, {n: float(n % 2) for n in range(1, 9)})
    drawn = [partners(tree, 0.5, 0.2, random.Random(seed)) for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]


def test_at_the_last_threshold_only_the_best_score_there_is_is_good() -> None:
    assert ALPHAS[2] == 1.0
    tree = tree_with([0, 0, 0, 0], {1: 1.0, 2: 0.9, 3: 0.8, 4: 0.0})
    assert end_pairs(tree, ALPHAS[2], beta=0.2) == [(1, 4)]  # 1.0 - 0.8 is no more than beta
    assert end_pairs(tree, 0.9, beta=0.05) == [(1, 2), (1, 3), (1, 4)]
    assert not good_enough(0.9, 1.0) and good_enough(1.0, 1.0) and not good_enough(0.5, 0.5)


async def test_a_step_that_was_judged_is_not_judged_again() -> None:
    tree = tree_with([0, 1, 1], {2: 0.0, 3: 0.0})
    labels = ScriptedModel(["<label>good</label>"] * 3)
    known: dict[int, bool] = {}
    for end in (2, 3):
        assert await first_error(tree, end, StepJudge(labels), {}, known) is None
    assert known == {1: False, 2: False, 3: False}


async def test_a_judge_of_proposals_reads_what_came_before_the_step() -> None:
    read: list[str] = []

    def decide(messages: list[BaseMessage]) -> str:
        read.append(messages[-1].text)
        return f"<decision>{'revise' if 'a2' in messages[-1].text else 'accept'}</decision>"

    tree = tree_with([0, 1, 2], {3: 0.0})
    assert await first_error(tree, 3, by_verdict(Judge(ScriptedModel(decide))), {}) == 2
    assert "saw 1" in read[1] and "<action>a2</action>" in read[1] and "saw 2" not in read[1]


async def test_a_verdict_that_cannot_be_read_accuses_nobody() -> None:
    silent = by_verdict(Judge(ScriptedModel(["what?", "what?"])))
    assert await first_error(tree_with([0, 1], {2: 0.0}), 2, silent, {}) is None


def test_damaged_revisions_are_refused() -> None:
    episode = Episode(run="r", task="a", findings={"revisions": [{"good": 1}]})
    with pytest.raises(ValueError, match="bad"):
        revisions_of(episode)
