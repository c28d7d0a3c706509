"""The critic and the user beside an acting team."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.messages import BaseMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command
from worlds import Counter

from symposia.agents import Action, Critic, Critique, Move, Person, TeamContext, ToolAgent, User
from symposia.benchmarks import play
from symposia.benchmarks.sessions import Sessions
from symposia.episodes import Episode, Observation, Task
from symposia.graphs import act
from symposia.graphs.spaces import ReplayError
from symposia.models import ScriptedModel

TASK = Task("counter:0", "Count.", data={"user": "The secret word is swordfish."})
YES = "<verdict>correct</verdict>"
NO = "<verdict>incorrect</verdict><suggestion>say up</suggestion>"


def agent(*actions: str) -> ToolAgent:
    return ToolAgent(ScriptedModel([f"<action>{action}</action>" for action in actions]))


async def played(team: Any) -> Episode:
    async with Sessions(Counter(goal=1)) as sessions, sessions.world(TASK) as world:
        return await play(team, TASK, world)


async def test_an_action_that_the_critic_refuses_is_not_taken() -> None:
    episode = await played(act(agent("down", "up"), critic=Critic(ScriptedModel([NO, YES]))))
    assert [step.action for step in episode.steps] == [None, "up"]
    assert episode.outcome.success
    again = episode.turns[2].messages
    assert "say up" in again[-1]["content"]
    assert again[-2] == {"role": "assistant", "content": "<action>down</action>"}


async def test_an_unreadable_review_is_no_consent_and_refusals_are_limited() -> None:
    critic = Critic(ScriptedModel(["fine!", NO, NO]))
    episode = await played(act(agent("up", "up", "up"), critic=critic, refusals=3))
    assert [step.action for step in episode.steps] == [None]
    assert episode.outcome.stop == "actions refused"


async def test_refusals_are_counted_anew_after_an_action() -> None:
    reviews = [NO, YES, NO, YES]
    team = act(agent("a", "down", "b", "up"), critic=Critic(ScriptedModel(reviews)), refusals=2)
    episode = await played(team)
    assert [step.action for step in episode.steps] == [None, "down", "up"]
    assert "critic reviewed" not in str(episode.turns[4].messages)


async def test_a_person_approves_actions_without_the_agent_being_asked_twice() -> None:
    asked = [0]

    def say(messages: list[BaseMessage]) -> str:
        asked[0] += 1
        return "<action>up</action>"

    person = Person("operator", output=Critique, writes="critique", question="May it?")
    team = act(ToolAgent(ScriptedModel(say)), critic=person, checkpointer=InMemorySaver())
    config: Any = {"configurable": {"thread_id": "1"}}
    async with Sessions(Counter(goal=1)) as sessions, sessions.world(TASK) as world:
        context = TeamContext(world)
        paused = await team.ainvoke({"task": TASK}, config, context=context)
        pause = paused["__interrupt__"][0].value
        assert (pause["question"], pause["draft"]["action"]) == ("May it?", "up")
        resume = Command(resume={"verdict": "correct"})
        final = await team.ainvoke(resume, config, context=context)
    assert (final["stop"], asked) == ("done", [1])


def asking(*moves: str) -> ToolAgent:
    return ToolAgent(ScriptedModel(list(moves)), output=Move)


async def test_a_question_goes_to_the_user_and_costs_no_step() -> None:
    heard: list[list[BaseMessage]] = []

    def reply(messages: list[BaseMessage]) -> str:
        heard.append(messages)
        return "<answer>swordfish</answer>"

    policy = asking("<question>What is the word?</question>", "<action>up</action>")
    episode = await played(act(policy, user=User(ScriptedModel(reply))))
    assert [step.action for step in episode.steps] == [None, "up"]
    assert "The secret word is swordfish." in heard[0][0].text
    assert "Assistant: <question>What is the word?</question>" in heard[0][-1].text
    assert episode.turns[2].messages[-1]["content"] == "swordfish"
    assert "secret" not in str(episode.turns[0].messages) + str(episode.turns[2].messages)


async def test_questions_are_limited() -> None:
    question = "<question>And now?</question>"
    policy = asking(question, question, question, "<action>up</action>")
    user = User(ScriptedModel(["<answer>yes</answer>", "mumble"]))
    episode = await played(act(policy, user=user, questions=2))
    replies = [turn.messages[-1]["content"] for turn in episode.turns if turn.agent == "agent"]
    assert replies[1] == "yes"
    assert "no readable answer" in replies[2]
    assert "Nobody answers any more" in replies[3]
    assert episode.outcome.success


async def test_a_move_is_a_question_or_an_action_never_both() -> None:
    both = "<question>What?</question><action>up</action>"
    episode = await played(act(asking(both, "<action>up</action>"), user=User(ScriptedModel([]))))
    assert episode.turns[0].unreadable
    assert episode.outcome.success


def test_questions_need_a_user_and_a_user_needs_questions() -> None:
    with pytest.raises(ValueError, match="say who answers them"):
        act(asking())
    with pytest.raises(ValueError, match="set output=Move"):
        act(agent(), user=User(ScriptedModel([])))


async def test_a_policy_that_only_goes_on_asking_is_stopped() -> None:
    policy = ToolAgent(ScriptedModel(lambda m: "<question>And now?</question>"), output=Move)
    user = User(ScriptedModel(lambda m: "<answer>yes</answer>"))
    episode = await played(act(policy, user=user, questions=2))
    assert episode.outcome.stop == "questions unanswered"
    assert sum(turn.agent == "agent" for turn in episode.turns) == 2 + 3


async def test_a_draft_from_before_is_not_taken_for_the_policys_own() -> None:
    async def spent(state: Any) -> dict[str, Any]:
        return {"stop": "spent"} if state["draft"] is None else {"draft": state["draft"]}

    stale: Any = {"task": TASK, "messages": [], "draft": Action(action="stale")}
    async with Sessions(Counter(goal=1)) as sessions, sessions.world(TASK) as world:
        final = await act(spent).ainvoke(stale, context=TeamContext(world))
    assert (final["steps"], final["stop"]) == (0, "spent")


@pytest.mark.parametrize("goal", [1, 3])
async def test_a_team_that_goes_on_in_another_process_finds_its_world_again(goal: int) -> None:
    person = Person("operator", output=Critique, writes="critique")
    saver = InMemorySaver()
    config: Any = {"configurable": {"thread_id": "1"}}

    async def run(given: Any) -> Any:
        """What a fresh process would do: a world and a context of its own."""
        policy = ToolAgent(ScriptedModel(lambda m: "<action>up</action>"))
        team = act(policy, critic=person, checkpointer=saver)
        async with Sessions(Counter(goal=goal)) as sessions, sessions.world(TASK) as world:
            return await team.ainvoke(given, config, context=TeamContext(world))

    await run({"task": TASK})
    for _ in range(goal):
        final = await run(Command(resume={"verdict": "correct"}))
    assert final["stop"] == "done"
    assert final["observation"].text == f"You are at {goal}."
    assert final["steps"] == goal


async def test_a_world_that_does_not_repeat_itself_cannot_be_gone_on_with() -> None:
    saver = InMemorySaver()
    config: Any = {"configurable": {"thread_id": "1"}}
    person = Person("operator", output=Critique, writes="critique")
    policy = ToolAgent(ScriptedModel(lambda m: "<action>up</action>"))
    team = act(policy, critic=person, checkpointer=saver)
    yes = Command(resume={"verdict": "correct"})
    for goal, given in ((9, {"task": TASK}), (9, yes), (1, yes)):
        async with Sessions(Counter(goal=goal)) as sessions, sessions.world(TASK) as world:
            context = TeamContext(Shifted(world) if given is yes and goal == 1 else world)
            if goal == 1:
                with pytest.raises(ReplayError, match="'up' led to"):
                    await team.ainvoke(given, config, context=context)
            else:
                await team.ainvoke(given, config, context=context)


class Shifted:
    """A world that answers otherwise."""

    def __init__(self, world: Any) -> None:
        self.world = world
        self.instructions = world.instructions

    async def reset(self) -> Observation:
        return await self.world.reset()

    async def step(self, action: str) -> Observation:
        seen = await self.world.step(action)
        return Observation(f"{seen.text} Again.", reward=seen.reward, done=seen.done)
