from __future__ import annotations

import re
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core.messages import BaseMessage, HumanMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from symposia import Actor, Budget, Critic, Judge, ScriptedModel, Task, play
from symposia.agents import Answer, Candidate, Person, Ranker, TeamState, Verdict
from symposia.graphs import judge, sample
from symposia.graphs.judge import Ballot, consensus, in_order, vote_of

TASK = Task("t", "2 + 2?")


def proposals(*answers: str) -> TeamState:
    """A state in which these answers are to be judged."""
    return {
        "task": TASK,
        "messages": [HumanMessage("2 + 2?")],
        "candidates": [Candidate(by="actor", draft=Answer(answer=each)) for each in answers],
    }


def shown(messages: list[BaseMessage]) -> list[str]:
    """The answers that a judge was shown, in their order."""
    return re.findall(r"Proposed reply \d+:\n<answer>(.*?)</answer>", messages[-1].text)


def prefers(answer: str) -> Ranker:
    """A judge that always finds `answer`, wherever it stands."""
    return Ranker(
        ScriptedModel(
            lambda messages: (
                f"<decision>accept</decision><winner>{shown(messages).index(answer)}</winner>"
            )
        ),
        name=f"for {answer}",
    )


def says(reply: str, name: str = "judge") -> Ranker:
    return Ranker(ScriptedModel(lambda messages: reply), name=name)


FIRST = "<decision>accept</decision><winner>0</winner>"
GRADES_FIRST = "<decision>accept</decision><scores>0.9</scores><scores>0.1</scores>"


async def verdict_of(team: Any, state: TeamState) -> Verdict | None:
    verdict = (await team.ainvoke(state))["verdict"]
    assert verdict is None or isinstance(verdict, Verdict)
    return verdict


async def test_one_judge_reads_once_and_its_verdict_stands() -> None:
    verdict = await verdict_of(judge(prefers("5")), proposals("4", "5"))
    assert verdict == Verdict(decision="accept", winner=1, confidence=1.0)


async def test_a_judge_is_brought_back_to_the_order_of_the_candidates() -> None:
    for orders in ("given", "swap", "shuffle"):
        team = judge(prefers("5"), readings=3, orders=orders)
        verdict = await verdict_of(team, proposals("4", "5", "6"))
        assert verdict is not None
        assert (verdict.winner, verdict.confidence) == (1, 1.0)


@pytest.mark.parametrize("reply", [FIRST, GRADES_FIRST])
async def test_a_judge_that_always_prefers_the_first_place_decides_nothing(reply: str) -> None:
    verdict = await verdict_of(judge(says(reply), orders="swap"), proposals("4", "5"))
    assert verdict is not None
    assert (verdict.winner, verdict.confidence) == (None, 0.0)
    assert len(set(verdict.scores)) <= 1


async def test_the_second_reading_of_a_swap_is_from_last_to_first() -> None:
    orders = []

    def reply(messages: list[BaseMessage]) -> str:
        orders.append(shown(messages))
        return FIRST

    await verdict_of(judge(Ranker(ScriptedModel(reply)), orders="swap"), proposals("4", "5", "6"))
    assert sorted(orders) == [["4", "5", "6"], ["6", "5", "4"]]


async def test_shuffled_orders_are_those_of_the_task() -> None:
    async def orders(task: Task) -> list[list[str]]:
        seen = []

        def reply(messages: list[BaseMessage]) -> str:
            seen.append(shown(messages))
            return FIRST

        team = judge(Ranker(ScriptedModel(reply)), readings=6, orders="shuffle")
        await team.ainvoke({**proposals("4", "5", "6"), "task": task})
        return seen

    assert await orders(TASK) == await orders(TASK)
    assert await orders(TASK) != await orders(Task("other", "?"))
    assert len({tuple(order) for order in await orders(TASK)}) > 1


async def test_the_winner_of_a_panel_is_that_of_most_judges() -> None:
    panel = [prefers("4"), prefers("5"), prefers("5")]
    verdict = await verdict_of(judge(panel), proposals("4", "5"))
    assert verdict is not None
    assert verdict.winner == 1
    assert verdict.confidence == pytest.approx(2 / 3)


async def test_a_panel_of_one_draft_accepts_by_majority() -> None:
    def decides(decision: str) -> Judge:
        return Judge(ScriptedModel([f"<decision>{decision}</decision>"]))

    state: TeamState = {"task": TASK, "draft": Answer(answer="4")}
    accepted = judge([decides("accept"), decides("accept"), decides("revise")])
    verdict = await verdict_of(accepted, state)
    assert verdict is not None
    assert (verdict.decision, verdict.confidence) == ("accept", pytest.approx(2 / 3))
    split = await verdict_of(judge([decides("accept"), decides("revise")]), state)
    assert split is not None
    assert split.decision == "revise"


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "They are equally good.",
        "x" * 100_000,
        "<decision>accept</decision><winner>2</winner>",
        "<decision>accept</decision><winner>-1</winner>",
        "<decision>accept</decision><scores>0.5</scores>",
        "<decision>maybe</decision><winner>1</winner>",
    ],
)
async def test_a_reading_that_makes_no_sense_has_no_vote(reply: str) -> None:
    state = proposals("4", "5")
    assert await verdict_of(judge(says(reply)), state) is None
    outvoted = await verdict_of(judge([says(reply), says(reply), prefers("5")]), state)
    assert outvoted is not None
    assert (outvoted.winner, outvoted.confidence) == (1, 1.0)


async def test_a_judge_that_never_decides_leaves_the_winner_open() -> None:
    verdict = await verdict_of(judge(says("<decision>revise</decision>")), proposals("4", "5"))
    assert verdict == Verdict(decision="revise", confidence=0.0)


async def test_a_judge_that_always_changes_its_mind_leaves_the_winner_open() -> None:
    replies = [f"<decision>accept</decision><winner>{n % 2}</winner>" for n in range(4)]
    team = judge(Ranker(ScriptedModel(replies)), readings=4)
    verdict = await verdict_of(team, proposals("4", "5"))
    assert verdict is not None
    assert verdict.winner is None


async def test_a_judge_that_fails_leaves_the_decision_to_the_others() -> None:
    broken = Ranker(ScriptedModel(lambda messages: ValueError("no such model")), name="broken")
    verdict = await verdict_of(judge([broken, prefers("5")]), proposals("4", "5"))
    assert verdict is not None
    assert verdict.winner == 1


async def test_when_every_judge_fails_that_is_an_error() -> None:
    broken = Ranker(ScriptedModel(lambda messages: ValueError("no such model")))
    episode = await play(sample([says_answer("4")], select=judge(broken)), TASK)
    assert "no such model" in episode.outcome.error


def says_answer(answer: str) -> Actor:
    return Actor(ScriptedModel(lambda messages: f"<answer>{answer}</answer>"))


async def test_no_reading_knows_of_the_others_or_of_who_answered() -> None:
    def reply(messages: list[BaseMessage]) -> str:
        text = "\n".join(message.text for message in messages[1:])
        assert "decision" not in text and "poet" not in text
        return FIRST

    state = proposals("4", "5")
    state["candidates"] = [
        Candidate(by="poet", draft=each.draft, verdict=Verdict(decision="accept"))
        for each in state["candidates"]
    ]
    assert await verdict_of(judge(Ranker(ScriptedModel(reply)), readings=3), state) is not None


async def test_the_readings_left_by_a_spent_budget_decide() -> None:
    team = sample([says_answer("4"), says_answer("5")], select=judge(prefers("5"), readings=3))
    episode = await play(team, TASK, budget=Budget(calls=3))
    assert (episode.answer, episode.total.calls) == ("5", 3)
    assert episode.outcome.stop == "budget of 3 model calls is spent"


async def test_a_review_grades_each_reading_as_it_was_shown() -> None:
    trusted: list[tuple[float | None, int | None]] = []

    def trust(messages: list[BaseMessage]) -> str:
        return "<verdict>correct</verdict><score>0.7</score>"

    class Meta(Critic):
        def brief(self, state: TeamState) -> list[HumanMessage]:
            verdict = state["verdict"]
            assert verdict is not None and verdict.winner is not None
            assert state["candidates"][verdict.winner].value == "5"
            return [HumanMessage("Is it right?")]

    def keep(ballots: Any, size: int) -> Verdict | None:
        trusted.extend((each.score, each.verdict and each.verdict.winner) for each in ballots)
        return None

    team = judge(prefers("5"), orders="swap", review=Meta(ScriptedModel(trust)), combine=keep)
    assert await verdict_of(team, proposals("4", "5")) is None
    assert trusted == [(0.7, 1), (0.7, 1)]


async def test_a_person_may_sit_on_a_panel() -> None:
    team = judge([prefers("4"), Person(), Person("chair")], checkpointer=InMemorySaver())
    config: Any = {"configurable": {"thread_id": "1"}}
    paused = await team.ainvoke(proposals("4", "5"), config)
    pauses = {pause.value["person"]: pause for pause in paused["__interrupt__"]}
    assert pauses["chair"].value["candidates"] == ["4", "5"]
    said = {pause.id: {"decision": "accept", "winner": 1} for pause in pauses.values()}
    final = await team.ainvoke(Command(resume=said), config)
    assert final["verdict"].winner == 1


async def test_calls_of_a_panel_carry_the_ids_of_its_readings() -> None:
    team = sample(says_answer("4"), 2, select=judge([prefers("4"), says(FIRST)], readings=2))
    episode = await play(team, TASK)
    readings = sorted((t.agent, t.branch) for t in episode.turns if t.agent != "actor")
    assert readings == [("for 4", "0"), ("for 4", "1"), ("judge", "2"), ("judge", "3")]


async def test_there_must_be_something_to_judge() -> None:
    with pytest.raises(ValueError, match="nothing to judge"):
        await judge(says(FIRST)).ainvoke({"task": TASK})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"readings": 0}, "0 readings"),
        ({"orders": "backwards"}, "orders='backwards': choose given, swap or shuffle"),
    ],
)
def test_bad_settings_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        judge(says(FIRST), **options)
    with pytest.raises(ValueError, match="0 judges"):
        judge([])


@st.composite
def readings(draw: st.DrawFn) -> tuple[Verdict, tuple[int, ...]]:
    size = draw(st.integers(2, 5))
    scores = draw(st.lists(st.floats(0, 1), min_size=size, max_size=size) | st.just([]))
    winner = draw(st.none() | st.integers(0, size - 1))
    order = tuple(draw(st.permutations(range(size))))
    return Verdict(decision="accept", winner=winner, scores=tuple(scores)), order


@given(readings())
def test_bringing_back_undoes_the_order_in_which_candidates_were_shown(
    reading: tuple[Verdict, tuple[int, ...]],
) -> None:
    verdict, order = reading
    places = range(len(order))
    seen = verdict.model_copy(
        update={
            "winner": None if verdict.winner is None else order.index(verdict.winner),
            "scores": tuple(verdict.scores[order[place]] for place in places)
            if verdict.scores
            else (),
        }
    )
    assert in_order(seen, order) == verdict
    assert in_order(verdict, tuple(places)) == verdict


odd = st.builds(
    Verdict,
    decision=st.sampled_from(["accept", "revise"]),
    winner=st.none() | st.integers(-3, 9),
    scores=st.lists(st.floats(0, 1), max_size=6).map(tuple),
    confidence=st.none() | st.floats(0, 1),
)


@given(st.lists(st.none() | odd, max_size=6), st.integers(1, 5))
def test_odd_verdicts_never_break_the_consensus(verdicts: list[Verdict | None], size: int) -> None:
    order = tuple(range(size))
    ballots = [
        Ballot("judge", order, None if each is None else in_order(each, order)) for each in verdicts
    ]
    verdict = consensus(ballots, size)
    if verdict is None:
        assert all(each.verdict is None for each in ballots)
        return
    assert verdict.winner is None or 0 <= verdict.winner < size
    assert len(verdict.scores) in (0, size)
    assert verdict == Verdict.model_validate(verdict.model_dump())


@settings(max_examples=20, deadline=None)
@given(
    st.lists(st.integers(0, 10), min_size=2, max_size=5, unique=True),
    st.sampled_from(["given", "swap", "shuffle"]),
    st.integers(1, 4),
)
async def test_the_order_never_changes_what_a_fair_judge_decides(
    grades: list[int], orders: Literal["given", "swap", "shuffle"], times: int
) -> None:
    def grade(messages: list[BaseMessage]) -> str:
        scores = "".join(f"<scores>{int(each) / 10}</scores>" for each in shown(messages))
        return f"<decision>accept</decision>{scores}"

    team = judge(Ranker(ScriptedModel(grade)), readings=times, orders=orders)
    verdict = await verdict_of(team, proposals(*map(str, grades)))
    assert verdict is not None
    assert verdict.winner == grades.index(max(grades))
    assert verdict.scores == pytest.approx([each / 10 for each in grades])


def test_a_vote_is_the_winner_else_the_one_best_grade() -> None:
    assert vote_of(Verdict(decision="accept", winner=2, scores=(0.1, 0.9, 0.0))) == 2
    assert vote_of(Verdict(decision="accept", scores=(0.1, 0.9, 0.0))) == 1
    assert vote_of(Verdict(decision="accept", scores=(0.9, 0.9))) is None
    assert vote_of(Verdict(decision="accept")) is None
