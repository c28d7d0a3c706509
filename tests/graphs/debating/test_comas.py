from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from langchain_core.messages import BaseMessage

from symposia import Budget, Episode, ScriptedModel, Task
from symposia.benchmarks import play
from symposia.benchmarks.rollout import Name
from symposia.graphs.debating.comas import comas

PROBLEMS = [Task(f"p{number}", f"What is {number} + 1?") for number in range(3)]


def agent(number: int, score: str = "3") -> ScriptedModel:
    """Answers with its number, and says whose list of mistakes it is."""

    def reply(messages: list[BaseMessage]) -> str:
        system = messages[0].text
        if "give a score" in system:
            return f"<reason>marked by {number}</reason><score>{score}</score>"
        if "Attack it" in system:
            return f"<mistakes>mistake found by {number}</mistakes>"
        return f"<answer>{number}</answer>"

    return ScriptedModel(reply)


def team(score: str = "3", **options: Any) -> Any:
    return comas([agent(number, score) for number in range(4)], **options)


def said(episode: Episode, round: int, name: str) -> tuple[str, str]:
    """What an agent read last and wrote in a round."""
    number = name.partition("-")[2]
    turn = next(t for t in episode.turns if t.agent == name and t.branch == f"{round}/{number}")
    assert turn.reply is not None
    return turn.messages[-1]["content"], turn.reply["content"]


async def test_over_all_problems_each_agent_has_its_share_of_every_role() -> None:
    """Check 2 of the method: A=4, P=3, m=2."""
    episodes = [await play(team(), task, name=Name(seed=7)) for task in PROBLEMS]
    calls = Counter(turn.agent for episode in episodes for turn in episode.turns)
    roles = Counter(turn.agent.partition("-")[0] for e in episodes for turn in e.turns)
    assert roles == {"solver": 24, "evaluator": 24, "scorer": 24}
    assert set(calls.values()) == {6} and len(calls) == 12


async def test_solvers_read_two_evaluated_solutions_of_the_round_before_and_no_marks() -> None:
    episode = await play(team(), PROBLEMS[0], name=Name(seed=7))
    first = [said(episode, 1, f"solver-{n}")[0] for n in range(4)]
    second = [said(episode, 2, f"solver-{n}")[0] for n in range(4)]
    assert first == [PROBLEMS[0].prompt] * 4
    assert len(set(second)) == 1, "all solvers read the same"
    for number in (1, 2):
        assert second[0].count(f"Solution {number}:") == 1
        assert second[0].count(f"Evaluation {number}:") == 1
    assert "Solution 3" not in second[0]
    assert "score" not in second[0] and "marked" not in second[0]
    rounds = episode.findings["rounds"]
    assert rounds[0]["references"] == []
    for solver in rounds[1]["references"]:
        assert f"> <answer>{solver}</answer>" in second[0]
        assert f"mistake found by {rounds[0]['evaluators'][solver]}" in second[0]


async def test_what_is_evaluated_and_marked_is_what_the_findings_say() -> None:
    episode = await play(team(), PROBLEMS[1], name=Name(seed=3))
    for round, drawn in enumerate(episode.findings["rounds"], 1):
        pairs = zip(drawn["evaluators"], drawn["scorers"])
        for solver, (evaluator, scorer) in enumerate(pairs):
            solution = f"> <answer>{solver}</answer>"
            attacked, _ = said(episode, round, f"evaluator-{evaluator}")
            marked, _ = said(episode, round, f"scorer-{scorer}")
            assert solution in attacked and "mistake" not in attacked
            assert solution in marked and f"mistake found by {evaluator}" in marked
        assert drawn["scores"] == [3, 3, 3, 3]


async def test_who_evaluates_whom_is_drawn_anew_from_the_seed_of_each_episode() -> None:
    async def drawn(seed: int) -> Any:
        return (await play(team(), PROBLEMS[0], name=Name(seed=seed))).findings

    assert await drawn(1) == await drawn(1)
    findings = [await drawn(seed) for seed in range(12)]
    dealt = {tuple(each["evaluators"]) for found in findings for each in found["rounds"]}
    assert len(dealt) > 8
    assert any(agent == place for order in dealt for place, agent in enumerate(order)), "own ones"


@pytest.mark.parametrize("mark", ["0", "4", "2.5", "none", ""])
async def test_a_mark_outside_the_scale_is_no_mark(mark: str) -> None:
    episode = await play(team(mark), PROBLEMS[0])
    assert [each["scores"] for each in episode.findings["rounds"]] == [[None] * 4] * 2
    assert sum(turn.unreadable for turn in episode.turns) == 8


async def test_the_majority_of_the_last_solutions_is_the_answer() -> None:
    models = [ScriptedModel(lambda messages, a=a: f"<answer>{a}</answer>") for a in "7377"]
    state = await comas(models).ainvoke({"task": PROBLEMS[0], "messages": [("user", "?")]})
    assert state["answer"] == "7"
    assert [each.value for each in state["candidates"]] == ["7", "3", "7", "7"]


async def test_a_call_that_fails_ends_its_own_discussion_only() -> None:
    def broken(messages: list[BaseMessage]) -> Any:
        evaluates = "Attack it" in messages[0].text
        return ValueError("down") if evaluates else agent(0).script(messages)

    models = [ScriptedModel(broken), *[agent(n) for n in range(1, 4)]]
    episode = await play(comas(models), PROBLEMS[0])
    assert episode.outcome.error == ""
    for drawn in episode.findings["rounds"]:
        lost = drawn["evaluators"].index(0)
        assert [score is None for score in drawn["scores"]] == [n == lost for n in range(4)]


async def test_a_spent_budget_leaves_the_solutions_that_there_are() -> None:
    episode = await play(team(), PROBLEMS[0], budget=Budget(calls=4))
    assert episode.total.calls == 4 and episode.answer == "0"


async def test_a_scorer_apart_scores_for_all() -> None:
    episode = await play(team(scorer=agent(9, "1")), PROBLEMS[0])
    assert all("marked by 9" in said(episode, 1, f"scorer-{n}")[1] for n in range(4))
    assert episode.findings["rounds"][0]["scores"] == [1] * 4


async def test_in_the_words_of_the_roles_a_judge_accepts_with_three_and_refuses_with_one() -> None:
    def reply(messages: list[BaseMessage]) -> str:
        system = messages[0].text
        if "You are a judge" in system:
            kept = "<answer>4</answer>" in messages[-1].text
            return f"<decision>{'accept' if kept else 'revise'}</decision>"
        if "You are a critic" in system:
            return "<verdict>incorrect</verdict>"
        return "<answer>5</answer>" if "A critic reviewed" in messages[-1].text else "no idea"

    good = ScriptedModel(lambda m: "<answer>4</answer>" if len(m) == 2 else reply(m))

    def mixed(messages: list[BaseMessage]) -> Any:
        solves = "Solve the problem" in messages[0].text
        return good.script(messages) if solves else reply(messages)

    models = [ScriptedModel(mixed), ScriptedModel(reply)]
    first, second = (
        await play(comas(models, agents=2, words="roles", references=1), PROBLEMS[0])
    ).findings["rounds"]
    assert first["scores"] == [3, 1]
    assert set(second["scores"]) <= {1, 3}


async def test_an_unreadable_solution_is_shown_as_it_was_written() -> None:
    models = [ScriptedModel(lambda m: "no idea") for _ in range(2)]
    episode = await play(comas(models, agents=2, words="roles"), PROBLEMS[0])
    assert "<text>no idea</text>" in said(episode, 1, "evaluator-0")[0]
    assert episode.answer == ""


def test_a_team_that_cannot_be_is_refused() -> None:
    model = ScriptedModel([])
    with pytest.raises(ValueError, match="models is empty"):
        comas([])
    with pytest.raises(ValueError, match="two agents and a round"):
        comas(model, agents=1)
    with pytest.raises(ValueError, match="references=5: a round has 4"):
        comas(model, references=5)
    with pytest.raises(ValueError, match="choose paper or roles"):
        comas(model, words="tiny")  # type: ignore[arg-type]
