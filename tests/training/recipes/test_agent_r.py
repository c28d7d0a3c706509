from __future__ import annotations

import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest
from langchain_core.messages import HumanMessage
from transformers import AutoTokenizer

from symposia.agents import Action, output_format
from symposia.benchmarks import Environment
from symposia.benchmarks.alfworld import ALFWorld
from symposia.episodes import Episode, Observation, Outcome, Task, Turn
from symposia.episodes.turn import Tokens
from symposia.graphs.searching.agent_r import ALPHAS
from symposia.graphs.tree import Node, Tree
from symposia.graphs.tree_json import tree_to_json
from symposia.models.load import TINY
from symposia.training import Row
from symposia.training.builders import written
from symposia.training.loop import Plan, Stage, train
from symposia.training.recipes.agent_r import THOUGHTS, AgentR
from symposia.training.trainer import Supervised, UpdateSettings

TAGS = output_format("tags")
TOKENIZER: Any = AutoTokenizer.from_pretrained(TINY, local_files_only=True)
SYSTEM = {"role": "system", "content": "You act."}


def action(name: str) -> str:
    return TAGS.render(Action(action=name))


def example(revisions: list[dict[str, Any]], task: str = "t", tokens: bool = False) -> Episode:
    """root -> s1; s1 -> bad1 -> bad2 -> end (0.0); s1 -> good1 -> leaf (1.0), as it is recorded."""
    tree = Tree([Node(0, text=f"Go. {task}")])
    turns = []
    steps = zip([0, 1, 2, 3, 1, 5], ["s1", "bad1", "bad2", "end", "good1", "leaf"], strict=True)
    for number, (parent, name) in enumerate(steps, 1):
        read: list[dict[str, Any]] = [SYSTEM, {"role": "user", "content": tree[0].text}]
        for node in tree.path(parent)[1:]:
            read.append({"role": "assistant", "content": action(node.action.value)})  # type: ignore[union-attr]
            read.append({"role": "user", "content": node.text})
        tree.add(
            Node(
                number,
                parent,
                tree[parent].depth + 1,
                Action(action=name),
                f"saw {name}",
                branch=f"{number}.0",
                said=action(name),
            )
        )
        sampled = Tokens((number,), (90 + number,), (-0.5,)) if tokens else None
        reply = {"role": "assistant", "content": action(name)}
        turns.append(
            Turn(f"turn{number}", "agent", tuple(read), reply, branch=f"{number}.0", tokens=sampled)
        )
    for number, score in ((4, 0.0), (6, 1.0)):
        tree[number].terminal, tree[number].visits, tree[number].total = True, 1, score
    findings = {"tree": tree_to_json(tree), "revisions": revisions}
    return Episode(run="r", task=task, turns=tuple(turns), findings=findings)


def stage(iteration: int = 0) -> Stage:
    return Stage(iteration, 3, (), 1, seed=5, tokenizer=TOKENIZER)


def trained_text(row: Row) -> str:
    ids = [id for id, wanted in zip(row.ids, row.loss_mask, strict=True) if wanted]
    return str(TOKENIZER.decode(ids))


def whole_text(row: Row) -> str:
    return str(TOKENIZER.decode(list(row.ids)))


async def made(recipe: AgentR, episodes: list[Episode], iteration: int = 0) -> list[Row]:
    rows = await recipe.rows(episodes, stage(iteration))
    assert all(isinstance(row, Row) and row.policy == "policy" for row in rows)
    return list(rows)  # type: ignore[arg-type]


async def test_a_revision_is_spliced_after_the_first_error_and_only_the_rest_is_trained() -> None:
    recipe = AgentR(thoughts=["Wrong way."])
    spliced, good = await made(recipe, [example([{"good": 6, "bad": 4, "error": 3}])])
    revised = TAGS.render(Action(thought="Wrong way.", action="wait"))
    end = TOKENIZER.eos_token
    assert trained_text(spliced) == f"{revised}{end}{action('good1')}{end}{action('leaf')}{end}"
    told = whole_text(spliced)
    said = ("You act.", "Go. t", "s1", "bad1", "bad2", "Wrong way.", "wait", "ok.", "good1", "leaf")
    places = [told.index(each) for each in said]
    assert places == sorted(places)
    assert told.count("<action>s1") == 1 and "<action>end" not in told
    assert trained_text(good) == end.join(map(action, ("s1", "good1", "leaf"))) + end


async def test_direct_revision_keeps_the_whole_bad_play() -> None:
    spliced, _ = await made(AgentR(), [example([{"good": 6, "bad": 4, "error": None}])])
    assert "<action>end" in whole_text(spliced) and "<action>end" not in trained_text(spliced)


async def test_a_first_step_that_is_bad_is_all_that_is_kept() -> None:
    spliced, _ = await made(AgentR(), [example([{"good": 6, "bad": 4, "error": 1}])])
    assert "bad1" not in whole_text(spliced)
    assert "<action>s1" not in trained_text(spliced)


async def test_good_plays_have_the_tokens_that_were_sampled() -> None:
    rows = await made(AgentR(), [example([], tokens=True)])
    ids = sorted(id for row in rows for id in row.ids if id > 90)
    assert ids == [91, 95, 96]
    assert all(row.turns for row in rows)


async def test_the_sentence_is_drawn_anew_for_each_revision_and_the_draw_repeats_itself() -> None:
    episodes = [example([{"good": 6, "bad": 4, "error": 3}], f"t{n}") for n in range(12)]
    first = await made(AgentR(), episodes)
    drawn = {each for row in first for each in THOUGHTS if each in trained_text(row)}
    assert len(drawn) > 3
    assert await made(AgentR(), episodes) == first


async def test_a_cut_that_came_up_twice_makes_one_row_and_a_task_no_more_than_its_cap() -> None:
    twice = example([{"good": 6, "bad": 4, "error": 3}] * 2)
    assert len(await made(AgentR(), [twice, replace(twice, attempt=1)])) == 1 + 1
    several = example([{"good": 6, "bad": 4, "error": error} for error in (1, 2, 3, None)])
    assert len(await made(AgentR(revisions=3), [several])) == 3 + 1


async def test_the_control_has_as_many_rows_and_no_revision() -> None:
    episodes = [example([{"good": 6, "bad": 4, "error": error} for error in (1, 3)])]
    spliced = await made(AgentR(), episodes)
    plain = await made(AgentR(splices=False), episodes)
    assert len(plain) == len(spliced) == 3
    assert not any("wait" in whole_text(row) for row in plain)
    assert any("wait" in whole_text(row) for row in spliced)


async def test_thresholds_rise_by_iteration_and_the_last_still_takes_full_scores() -> None:
    assert [AgentR().alpha(stage(n)) for n in range(5)] == [*ALPHAS, 1.0, 1.0]
    assert len(await made(AgentR(), [example([])], iteration=2)) == 1
    graded = example([])
    graded.findings["tree"]["nodes"][6]["total"] = 0.9
    assert len(await made(AgentR(), [graded], iteration=1)) == 1
    assert len(await made(AgentR(), [graded], iteration=2)) == 0


async def test_chat_is_mixed_in_by_its_share_of_all_rows() -> None:
    from langchain_core.messages import AIMessage

    talk = [HumanMessage("Hello."), AIMessage("Good day.")]
    chat = written(TOKENIZER, talk, [False, True], policy="policy")
    episodes = [example([], f"t{n}") for n in range(8)]
    rows = await made(AgentR(chat=chat, eta=0.2), episodes)
    assert (len(rows), rows.count(chat[0])) == (10, 2)
    assert len(await made(AgentR(), episodes)) == 8


async def test_an_episode_without_a_tree_is_left_out_and_said(caplog: Any) -> None:
    lost = Episode(run="r", task="lost", outcome=Outcome(error="KeyError: it broke"))
    assert len(await made(AgentR(), [lost, example([])])) == 1
    assert "lost left no tree: KeyError" in caplog.text


def test_the_objective_is_supervised() -> None:
    assert AgentR().objective("policy", stage()) == Supervised()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"judge": "nobody"}, "judge='nobody': there are steps, verdicts, none"),
        ({"alphas": ()}, "thresholds"),
        ({"alphas": (0.7, 0.5)}, "fall"),
        ({"thoughts": ()}, "thoughts"),
        ({"eta": 1.0}, "eta=1.0"),
        ({"revisions": 0}, "revisions=0"),
        ({"good": 0}, "good=0"),
    ],
)
def test_bad_settings_are_refused(options: Any, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        AgentR(**options)


OPENING = (
    "-= Welcome to TextWorld, ALFRED! =-\n\nYou are in the middle of a room. Looking quickly "
    "around you, you see a cabinet 2, a cabinet 1, a drawer 1, a shelf 2, and a shelf 1.\n\n"
    "Your task is to: put some mug on shelf."
)


class Rooms(Environment):
    """Two commands, of which the second ends the game: half of what can be done is a success."""

    name: ClassVar[str] = "rooms"
    splits: ClassVar[tuple[str, ...]] = ("all",)
    instructions = ALFWorld.instructions

    def __init__(self) -> None:
        self.done: tuple[str, ...] = ()

    def tasks(self, split: str) -> list[Task]:
        return [Task(f"rooms:{n}", "put some mug on shelf.", data={"n": n}) for n in range(3)]

    def reset(self, task: Task) -> Observation:
        self.number, self.done = task.data["n"], ()
        return self.seen()

    def step(self, action: str) -> Observation:
        self.done = (*self.done, action)
        return self.seen()

    def snapshot(self) -> Any:
        return self.done

    def restore(self, snapshot: Any) -> Observation:
        self.done = snapshot
        return self.seen()

    def seen(self) -> Observation:
        over = len(self.done) == 2
        lucky = zlib.crc32(f"{self.number}{self.done}".encode()) % 2
        text = "Nothing happens." if self.done else OPENING
        return Observation(text, reward=float(over and lucky), done=over)


async def test_tiny_collects_judges_itself_and_is_trained(tmp_path: Path) -> None:
    told: list[tuple[str, int, dict[str, Any]]] = []
    outcome = await train(
        AgentR(descents=3, samples=3, max_depth=4, judge="verdicts"),
        Rooms(),
        Plan(
            base=TINY,
            iterations=1,
            tasks=2,
            attempts=1,
            test_tasks=1,
            evaluate_every=0,
            max_tokens=48,
            temperature=1.6,  # tiny is sure of itself at 1
            update=UpdateSettings(learning_rate=1e-3, device="cpu"),
        ),
        tmp_path,
        heard=lambda arrow, iteration, measures: told.append((arrow, iteration, dict(measures))),
    )
    rows = [measures["policy"] for arrow, _, measures in told if arrow == "rows"]
    losses = [measures["loss"] for arrow, _, measures in told if arrow == "update"]
    assert len(rows) == len(losses) == 1 and min(rows) > 1
    assert all(loss > 0 for loss in losses)
    assert outcome.versions["policy"].name == "0001"
