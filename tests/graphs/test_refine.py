from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core.messages import HumanMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from symposia.agents import Actor, Answer, Critic, Critique, Judge, Person, Verdict
from symposia.benchmarks import play
from symposia.episodes import Budget, Task
from symposia.graphs import debate, refine, sample
from symposia.graphs.drawing import to_mermaid
from symposia.models import ScriptedModel
from symposia.models.asking import ask

TASK = Task("t", "2 + 2?")
STATE: Any = {"task": TASK, "messages": [HumanMessage("2 + 2?")]}
WRONG, RIGHT = (
    "<verdict>incorrect</verdict><suggestion>4</suggestion>",
    "<verdict>correct</verdict>",
)


def team(drafts: list[str], reviews: list[str], verdicts: list[str] | None, **options: Any) -> Any:
    return refine(
        Actor(ScriptedModel(drafts)),
        Critic(ScriptedModel(reviews)),
        None if verdicts is None else Judge(ScriptedModel(verdicts)),
        **options,
    )


def verdict(decision: str, score: float | None = None) -> str:
    return f"<decision>{decision}</decision>" + (f"<scores>{score}</scores>" if score else "")


def drafts(*answers: object) -> list[str]:
    return [f"<answer>{a}</answer>" for a in answers]


async def test_the_judge_stops_the_refinement_by_accepting() -> None:
    graph = team(drafts(3, 4), [WRONG, RIGHT], [verdict("revise"), verdict("accept")])
    episode = await play(graph, TASK)
    assert episode.answer == "4"
    assert [t.agent for t in episode.turns] == ["actor", "critic", "judge"] * 2
    revision = episode.turns[3].messages
    assert revision[-2] == {"role": "assistant", "content": "<answer>3</answer>"}
    assert "<suggestion>4</suggestion>" in revision[-1]["content"]


async def test_when_no_draft_is_accepted_the_best_scored_wins() -> None:
    verdicts = [verdict("revise", 0.2), verdict("revise", 0.9), verdict("revise", 0.4)]
    episode = await play(team(drafts(1, 2, 3), [WRONG] * 3, verdicts), TASK)
    assert episode.answer == "2"
    assert episode.total.calls == 9


async def test_an_accepted_draft_wins_over_one_with_a_higher_score() -> None:
    graph = team(drafts(1, 2), [WRONG] * 2, [verdict("revise", 0.9), verdict("accept", 0.7)])
    assert (await play(graph, TASK)).answer == "2"


async def test_the_later_of_equal_drafts_wins() -> None:
    graph = team(drafts(1, 2), [WRONG] * 2, [verdict("revise")] * 2, rounds=1)
    assert (await play(graph, TASK)).answer == "2"


async def test_an_unreadable_verdict_is_not_consent() -> None:
    graph = team(drafts(1, 2), [WRONG] * 2, ["fine!", verdict("accept")], rounds=1)
    episode = await play(graph, TASK)
    assert (episode.answer, episode.turns[2].unreadable) == ("2", True)


async def test_without_a_judge_the_critic_decides_and_the_last_draft_wins() -> None:
    assert (await play(team(drafts(3, 4), [WRONG, RIGHT], None), TASK)).answer == "4"
    capped = await play(team(drafts(1, 2), [WRONG], None, rounds=1), TASK)
    assert (capped.answer, capped.total.calls) == ("2", 3)


async def test_an_unreadable_draft_costs_a_round_and_no_review() -> None:
    graph = team(["mumble", *drafts(4)], [RIGHT], [verdict("accept")])
    episode = await play(graph, TASK)
    assert episode.answer == "4"
    assert [t.agent for t in episode.turns] == ["actor", "actor", "critic", "judge"]


async def test_a_team_that_only_mumbles_ends_with_a_reason() -> None:
    episode = await play(team(["", "x" * 100_000, "?"], [], []), TASK)
    assert (episode.answer, episode.outcome.stop) == ("", "no readable reply")


@pytest.mark.parametrize(("calls", "answer"), [(0, ""), (1, "1"), (2, "1"), (3, "1"), (4, "1")])
async def test_a_spent_budget_leaves_the_best_answer_so_far(calls: int, answer: str) -> None:
    graph = team(drafts(1, 2), [WRONG] * 2, [verdict("revise", 0.5), verdict("revise", 0.1)])
    episode = await play(graph, TASK, budget=Budget(calls=calls))
    assert episode.answer == answer
    assert episode.outcome.stop == f"budget of {calls} model calls is spent"
    assert episode.total.calls == calls


async def test_a_judge_alone_may_hit_the_token_budget() -> None:
    graph = team(drafts(1), [WRONG], [])
    episode = await play(graph, TASK, budget=Budget(tokens=1))
    assert episode.total.calls == 1
    assert "tokens is spent" in episode.outcome.stop


def test_rounds_must_not_be_negative() -> None:
    with pytest.raises(ValueError, match="rounds=-1"):
        team([], [], [], rounds=-1)


async def test_it_streams_and_checkpoints() -> None:
    memory = InMemorySaver()
    graph = team(drafts(4), [RIGHT], [verdict("accept")], checkpointer=memory)
    config = {"configurable": {"thread_id": "1"}}
    nodes = [next(iter(update)) async for update in graph.astream(STATE, config)]
    assert nodes == ["begin", "draft", "critique", "judge", "settle"]
    kept = (await graph.aget_state(config)).values
    assert (kept["answer"], kept["draft"]) == ("4", Answer(answer="4"))


async def test_every_draft_is_kept_with_what_was_said_of_it() -> None:
    verdicts = [verdict("revise", 0.2), verdict("accept", 0.9)]
    graph = team([*drafts(3), "mumble", *drafts(4)], [WRONG, RIGHT], verdicts)
    said = (await graph.ainvoke(STATE))["said"]
    assert [(each.round, each.by, each.value, each.score) for each in said] == [
        (1, "actor", "3", 0.2),
        (2, "actor", "", None),
        (3, "actor", "4", 0.9),
    ]
    assert [each.critique and each.critique.verdict for each in said] == [
        "incorrect",
        None,
        "correct",
    ]
    assert said[2].verdict == Verdict(decision="accept", scores=(0.9,))


async def test_members_learn_from_every_draft_before() -> None:
    seen: list[list[str]] = []

    async def actor(state: Any) -> dict[str, Any]:
        seen.append([each.value for each in state["said"]])
        return {"draft": Answer(answer=str(len(seen)))}

    critic = Critic(ScriptedModel([WRONG] * 2))
    final = await refine(actor, critic, rounds=2).ainvoke(STATE)
    assert seen == [[], ["1"], ["1", "2"]]
    assert final["answer"] == "3"


async def test_functions_may_draft_review_and_judge() -> None:
    async def add(state: Any) -> dict[str, Any]:
        return {"draft": Answer(answer=str(3 + state["round"]))}

    async def check(state: Any) -> dict[str, Any]:
        right = state["draft"].value == "4"
        return {"critique": Critique(verdict="correct" if right else "incorrect")}

    async def agree(state: Any) -> dict[str, Any]:
        right = state["critique"].verdict == "correct"
        return {"verdict": Verdict(decision="accept" if right else "revise")}

    final = await refine(add, check, agree, rounds=5).ainvoke(STATE)
    assert (final["answer"], final["round"]) == ("4", 2)
    assert [each.by for each in final["said"]] == ["add", "add"]


async def test_a_function_may_grade_drafts_without_a_word() -> None:
    async def grade(state: Any) -> dict[str, Any]:
        return {"score": 1.0 if state["draft"].value == "2" else 0.5}

    critic = Critic(ScriptedModel([WRONG] * 3))
    final = await refine(Actor(ScriptedModel(drafts(1, 2, 3))), critic, grade).ainvoke(STATE)
    assert final["answer"] == "2"


async def test_teams_may_draft_and_judge() -> None:
    actor = sample(
        [Actor(ScriptedModel(drafts(n, 4)), name=f"a{n}") for n in (3, 3, 5)], name="trio"
    )
    judges = [Judge(ScriptedModel([verdict(d), verdict("accept")])) for d in ("revise", "accept")]
    reviews = ScriptedModel([WRONG, RIGHT])

    async def panel(state: Any) -> dict[str, Any]:
        ruled = [(await each(state))["verdict"] for each in judges]
        return {"verdict": min(ruled, key=lambda each: each.decision == "accept")}

    episode = await play(refine(actor, Critic(reviews), panel), TASK)
    assert episode.answer == "4"
    assert [turn.agent for turn in episode.turns].count("judge") == 4
    assert {turn.branch for turn in episode.turns if turn.agent == "a5"} == {"2"}


async def test_a_person_may_judge_and_nobody_is_asked_twice() -> None:
    graph = refine(
        Actor(ScriptedModel(drafts(3, 4))),
        Critic(ScriptedModel([WRONG, RIGHT])),
        Person("editor"),
        checkpointer=InMemorySaver(),
    )
    config = {"configurable": {"thread_id": "1"}}
    paused = await graph.ainvoke(STATE, config)
    asked = paused["__interrupt__"][0].value
    assert (asked["person"], asked["draft"]["answer"]) == ("editor", "3")
    assert asked["critique"]["verdict"] == "incorrect"
    again = await graph.ainvoke(Command(resume="no JSON, so no consent"), config)
    assert again["__interrupt__"][0].value["draft"]["answer"] == "4"
    final = await graph.ainvoke(Command(resume={"decision": "accept"}), config)
    assert final["answer"] == "4"


async def test_a_member_that_fails_fails_the_refinement_and_says_why() -> None:
    critic = Critic(ScriptedModel([RuntimeError("the critic left")]))
    episode = await play(refine(Actor(ScriptedModel(drafts(1))), critic), TASK)
    assert "the critic left" in episode.outcome.error
    assert episode.answer == "1"


async def test_a_function_that_runs_out_of_budget_leaves_the_draft() -> None:
    model = ScriptedModel([RIGHT])

    async def critic(state: Any) -> dict[str, Any]:
        return {"critique": await ask(model, "Right?", Critique, agent="critic")}

    graph = refine(Actor(ScriptedModel(drafts(1))), critic)
    episode = await play(graph, TASK, budget=Budget(calls=1))
    assert (episode.answer, episode.outcome.stop) == ("1", "budget of 1 model calls is spent")


def test_the_drawing_shows_nested_teams() -> None:
    model = ScriptedModel([])
    talk = debate([Actor(model, name="ann"), Actor(model, name="ben")], name="talk")
    text = to_mermaid(refine(talk, Critic(model), Judge(model)))
    assert "subgraph draft" in text
    assert "ann" in text and "ben" in text


replies = st.lists(st.sampled_from(["<answer>1</answer>", "junk"]), min_size=9, max_size=9)
reviews = st.lists(st.sampled_from([WRONG, RIGHT, "junk"]), min_size=9, max_size=9)
decisions = st.lists(
    st.sampled_from([verdict("accept"), verdict("revise", 0.5), "junk"]), min_size=9, max_size=9
)


@settings(max_examples=40)
@given(replies=replies, reviews=reviews, decisions=decisions, rounds=st.integers(0, 2))
async def test_it_always_ends_within_its_rounds(
    replies: list[str], reviews: list[str], decisions: list[str], rounds: int
) -> None:
    episode = await play(team(replies, reviews, decisions, rounds=rounds), TASK)
    assert sum(t.agent == "actor" for t in episode.turns) <= rounds + 1
    assert episode.outcome.error == ""
    readable = any(not t.unreadable for t in episode.turns if t.agent == "actor")
    assert bool(episode.answer) == readable
