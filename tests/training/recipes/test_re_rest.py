from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import pytest
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from tokenised import read, tokenised, tokenizer

from symposia import make_environment
from symposia.benchmarks import Environment, evaluate
from symposia.episodes import Episode, EpisodeStore, Observation, Task
from symposia.models import ScriptedModel
from symposia.models.load import TINY
from symposia.training.files import load_examples
from symposia.training.loop import Plan, Stage, train
from symposia.training.recipes.re_rest import HINT, ReReST, without
from symposia.training.trainer import UpdateSettings


class Sums(Environment):
    """Two questions. The second is about 5."""

    name: ClassVar[str] = "sums"
    splits: ClassVar[tuple[str, ...]] = ("all",)
    max_steps = 1

    def tasks(self, split: str) -> list[Task]:
        return [Task("1", "What is 1 + 1?", reference="2"), Task("2", "And 2 + 3?", reference="5")]

    def reset(self, task: Task) -> Observation:
        self.gold = task.reference
        return Observation(task.prompt)

    def step(self, action: str) -> Observation:
        return Observation("Your answer was taken.", reward=float(action == self.gold), done=True)


class Doors(Environment):
    """Open the red door, then the blue one."""

    name: ClassVar[str] = "doors"
    splits: ClassVar[tuple[str, ...]] = ("all",)
    instructions = "Say which door to open."

    def tasks(self, split: str) -> list[Task]:
        return [Task("doors", "Get out.")]

    def reset(self, task: Task) -> Observation:
        self.opened: list[str] = []
        return Observation("You are inside.")

    def step(self, action: str) -> Observation:
        self.opened.append(action)
        right = self.opened == ["red", "blue"][: len(self.opened)]
        done = not right or len(self.opened) == 2
        return Observation(
            "It opens." if right else "A wall.", reward=float(done and right), done=done
        )


def said(text: str) -> str:
    return f"<reasoning>so</reasoning>\n<answer>{text}</answer>"


class Script:
    """Agent, reflector and corrector; counts the calls of each."""

    def __init__(self, **replies: Any) -> None:
        self.replies = replies
        self.asked: list[str] = []

    def models(self) -> dict[str, Any]:
        return {"policy": ScriptedModel(self.agent), "reflector": ScriptedModel(self.other)}

    def agent(self, messages: list[BaseMessage]) -> str:
        self.asked.append("agent")
        return str(self.replies["agent"](messages))

    def other(self, messages: list[BaseMessage]) -> str:
        reflects = "critic" in messages[0].text and "scored" in messages[-1].text
        self.asked.append(who := "reflector" if reflects else "corrector")
        return str(self.replies[who](messages))


REFLECTION = "<reasoning>It forgot one.</reasoning>\n<verdict>incorrect</verdict>"
ADDER = {
    "agent": lambda m: said("2"),  # right for the first task alone
    "reflector": lambda m: REFLECTION,
    "corrector": lambda m: said("5"),
}


async def played(recipe: ReReST, script: Script, world: Environment, at: Path) -> list[Episode]:
    stage = Stage(0, 1, (), 1, 0)
    with EpisodeStore(at) as store:
        await evaluate(
            recipe.team(script.models(), stage), world, store=store, run="r", progress=False
        )
        return [tokenised(each) for each in store.episodes("r")]


async def built(recipe: ReReST, episodes: list[Episode]) -> list[Any]:
    return list(await recipe.rows(episodes, Stage(0, 1, (), 1, 0, tokenizer=tokenizer())))


async def test_the_reflector_is_asked_about_what_failed_alone(tmp_path: Path) -> None:
    script = Script(**ADDER)
    episodes = await played(ReReST(), script, Sums(), tmp_path)
    assert sorted(script.asked) == ["agent", "agent", "corrector", "reflector"]
    assert [(each.task, HINT in each.findings) for each in episodes] == [("1", False), ("2", True)]
    assert [each.outcome.score for each in episodes] == [1.0, 1.0]
    reviewed = next(t for t in episodes[1].turns if t.agent == "reflector").messages[-1]["content"]
    assert "It was scored 0 of 1." in reviewed and "<answer>2</answer>" in reviewed


async def test_one_solved_attempt_and_one_mended_one_are_learnt(tmp_path: Path) -> None:
    recipe = ReReST()
    rows = await built(recipe, await played(recipe, Script(**ADDER), Sums(), tmp_path))
    first, second = [read(row) for row in rows if row.policy == "policy"]
    assert "1 + 1" in first[0] and "<answer>2</answer>" in first[1]
    assert "2 + 3" in second[0] and "<answer>5</answer>" in second[1]
    theirs = [read(row) for row in rows if row.policy == "reflector"]
    assert [REFLECTION in learnt for _, learnt in theirs] == [True, False]
    assert "It forgot one." in theirs[1][0]


async def test_the_agents_prompt_has_no_trace_of_failure_or_reflection(tmp_path: Path) -> None:
    recipe = ReReST()
    episodes = await played(recipe, Script(**ADDER), Sums(), tmp_path)
    _, mended = [row for row in await built(recipe, episodes) if row.policy == "policy"]
    prompt, _ = read(mended)
    for trace in ("It forgot one.", "<answer>2</answer>", "critic", "again"):
        assert trace not in prompt
    plain = next(turn for turn in episodes[1].turns if turn.agent == "agent").tokens
    assert plain is not None
    assert mended.ids[: len(plain.prompt_ids)] == plain.prompt_ids


async def test_what_the_reflector_fails_at_as_well_contributes_nothing(tmp_path: Path) -> None:
    recipe = ReReST()
    script = Script(**{**ADDER, "corrector": lambda m: said("6")})
    rows = await built(recipe, await played(recipe, script, Sums(), tmp_path))
    assert len(rows) == 1


async def test_an_unreadable_reflection_is_no_reflection(tmp_path: Path) -> None:
    recipe = ReReST()
    script = Script(**{**ADDER, "reflector": lambda m: "Hm."})
    episodes = await played(recipe, script, Sums(), tmp_path)
    assert "corrector" not in script.asked
    assert episodes[1].outcome.score == 0.0
    assert len(await built(recipe, episodes)) == 1


async def test_in_a_world_the_whole_attempt_is_played_again(tmp_path: Path) -> None:
    def corrected(messages: list[BaseMessage]) -> str:
        assert "You have tried this before" in messages[-1].text
        return f"<action>{'blue' if 'It opens.' in messages[-1].text else 'red'}</action>"

    script = Script(
        agent=lambda m: "<action>blue</action>",
        reflector=lambda m: REFLECTION,
        corrector=corrected,
    )
    recipe = ReReST(acts=True)
    (episode,) = await played(recipe, script, Doors(), tmp_path)
    assert episode.outcome.success
    assert [step.action for step in episode.steps] == [None, "blue", None, "red", "blue"]
    rows = [row for row in await built(recipe, [episode]) if row.policy == "policy"]
    (row,) = rows
    prompt, learnt = read(row)
    assert "You have tried this before" not in prompt and "It forgot one." not in prompt
    assert prompt.count("You are inside.") == 1
    assert learnt.index("red") < learnt.index("blue")


def test_a_prompt_that_does_not_end_with_the_hint_is_refused() -> None:
    task, hint = HumanMessage("Go."), HumanMessage("Mind the wall.")
    assert without([task, hint], [hint]) == [task]
    assert without([HumanMessage("Go.\n\nMind the wall.")], [hint])[0].text == "Go."
    assert without([task, AIMessage("left"), hint], [AIMessage("left"), hint]) == [task]
    with pytest.raises(ValueError, match="not with the hint"):
        without([task], [hint])


async def test_both_policies_learn_from_the_bundled_models_own_reflections(tmp_path: Path) -> None:
    plan = Plan(
        base=TINY,
        iterations=1,
        tasks=8,
        attempts=2,
        test_tasks=4,
        max_tokens=120,
        evaluate_every=0,
        update=UpdateSettings(learning_rate=1e-3, device="cpu"),
    )
    done = await train(ReReST(), make_environment("arithmetic", size=8), plan, tmp_path)
    with EpisodeStore(tmp_path) as store:
        episodes = list(store.episodes("collect-0000"))
    solved = [each for each in episodes if each.outcome.success]
    mended = [each for each in solved if HINT in each.findings]
    assert len(mended) < len(solved) < len(episodes)
    rows = load_examples(tmp_path / "iterations" / "0000" / "rows" / "policy.npz")
    assert len(rows) == len(solved)
    assert done.versions["policy"].name == "0001"
    assert done.versions["reflector"].name == ("0001" if mended else "0000")
