from __future__ import annotations

from forks import TASK, CopiedFork, wanderer
from langchain_core.messages import BaseMessage

from symposia.agents import Action, Candidate, Ranker, TeamContext
from symposia.benchmarks import play
from symposia.benchmarks.sessions import Sessions
from symposia.graphs.searching.agent_q import agent_q, preferences, ranking, scores_of
from symposia.graphs.tree import Node, Tree, blended, descend
from symposia.models import ScriptedModel


def test_quality_is_half_outcome_and_pairs_pass_the_threshold() -> None:
    tree = Tree([Node(0)])
    for number, (mean, prior) in enumerate([(1.0, 0.8), (0.0, 0.8), (0.2, 0.5)], 1):
        tree.add(Node(number, 0, 1, Action(action="a"), prior=prior, visits=1, total=mean))
    assert [(pair.better, pair.worse) for pair in preferences(tree, 0.1)] == [(1, 2), (1, 3)]
    assert preferences(tree, 0.6) == []


async def test_the_critic_picks_the_best_of_what_remains() -> None:
    def pick(messages: list[BaseMessage]) -> str:
        shown = messages[-1].text
        best = max(
            "abc", key=lambda name: ("b", "c", "a").index(name) * -1 if name in shown else -9
        )
        place = shown[: shown.index(f"<action>{best}</action>")].count("<action>")
        return f"<winner>{place}</winner><decision>accept</decision>"

    critic = Ranker(ScriptedModel(pick))
    candidates = [Candidate("actor", draft=Action(action=name)) for name in "abc"]
    update = await ranking(critic)({"candidates": candidates, "messages": []})  # type: ignore[operator]
    assert update["verdict"].scores == scores_of([1, 2, 0]) == (1 / 3, 1.0, 2 / 3)


async def test_a_critic_that_names_nobody_leaves_the_order() -> None:
    critic = Ranker(ScriptedModel(["what?"]))
    candidates = [Candidate("actor", draft=Action(action=name)) for name in "ab"]
    update = await ranking(critic)({"candidates": candidates, "messages": []})  # type: ignore[operator]
    assert update["verdict"].scores == (1.0, 0.5)


async def test_it_finds_the_treasure_and_stops() -> None:
    critic = Ranker(ScriptedModel(lambda m: "<winner>0</winner><decision>accept</decision>"))
    team = agent_q(wanderer(), critic, proposals=2, max_depth=3, expansions=20)
    async with Sessions(CopiedFork({"rrr": 1.0})) as sessions, sessions.world(TASK) as world:
        episode = await play(team, TASK, world)
        assert episode.outcome.success
        final = await team.ainvoke({"task": TASK, "messages": []}, context=TeamContext(world))
    tree = final["tree"]
    assert preferences(tree, 0.1)
    assert len(tree.ends()) < 8


async def test_what_was_not_played_out_is_not_backed_up_as_a_failure() -> None:
    critic = Ranker(ScriptedModel(lambda m: "<winner>0</winner><decision>accept</decision>"))
    model = wanderer()
    team = agent_q(model, critic, proposals=2, max_depth=5, expansions=1)
    worth = dict.fromkeys(("lll", "lrl", "llr", "lrr"), 1.0)
    async with Sessions(CopiedFork(worth)) as sessions, sessions.world(TASK) as world:
        final = await team.ainvoke({"task": TASK, "messages": []}, context=TeamContext(world))
    root, left, right = final["tree"]
    assert (left.rollout, left.mean, left.visits) == (1.0, 1.0, 1)
    assert (right.rollout, right.visits) == (None, 0)
    assert (root.visits, root.mean) == (1, 1.0)


def test_the_critic_tells_which_untried_action_comes_first() -> None:
    tree = Tree([Node(0, visits=1)])
    for number, prior in enumerate((1 / 3, 1.0, 2 / 3), 1):
        tree.add(Node(number, 0, 1, Action(action="a"), prior=prior))
    assert descend(blended(0.5, 1.0), 3)(tree) == 2
