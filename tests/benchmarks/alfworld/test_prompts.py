import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symposia import ScriptedModel, ToolAgent, act, evaluate
from symposia.benchmarks.alfworld import TASK_TYPES, ALFWorld
from symposia.benchmarks.alfworld.prompts import trim
from symposia.benchmarks.alfworld.wording import reword

WORDINGS = {
    "put mug 1 in/on shelf 2": "move mug 1 to shelf 2",
    "You put the mug 1 in/on the shelf 2.": "You move the mug 1 to the shelf 2.",
    "put (object) in/on (receptacle):": "move (object) to (receptacle):",
}
NAMES = st.from_regex(r"[a-z]{1,9} [0-9]{1,2}", fullmatch=True)


@pytest.mark.parametrize(("put", "move"), WORDINGS.items())
def test_either_wording_becomes_the_other(put: str, move: str) -> None:
    assert reword(put, "move") == reword(move, "move") == move
    assert reword(move, "put") == reword(put, "put") == put


@pytest.mark.parametrize(
    "text", ["Your task is to: put some mug on shelf.", "find two mug and put them in shelf", ""]
)
def test_the_task_is_not_reworded(text: str) -> None:
    assert reword(text, "move") == reword(text, "put") == text


@given(NAMES, NAMES)
def test_rewording_there_and_back_changes_nothing(thing: str, place: str) -> None:
    command = f"put {thing} in/on {place}"
    assert reword(reword(command, "move"), "put") == command


@pytest.mark.parametrize("wording", ["put", "move"])
def test_a_game_is_played_in_the_wording_asked_for(wording: Any, official: Path) -> None:
    own = {"put": "You put the", "move": "You move the"}[wording]
    for data, split in ((None, "generated"), (official, "valid_seen")):
        with ALFWorld(data=data, size="small", wording=wording, expert="search") as world:
            task = next(t for t in world.tasks(split) if t.kind == "pick_and_place_simple")
            seen = world.reset(task)
            while not seen.done:
                assert list(seen.admissible) == sorted(seen.admissible)
                seen = world.step(seen.info["expert_plan"][0])
            assert seen.info["won"]
            assert seen.text.startswith(own)


def test_the_wording_is_told_to_the_agent() -> None:
    told = {w: ALFWorld(wording=w).instructions for w in (None, "put", "move")}
    assert "put (object)" in told["put"] and "move (object)" not in told["put"]
    assert "put (object)" not in told["move"] and "move (object)" in told["move"]
    assert "move (object)" in told[None] and "put (object)" in told[None]
    assert told[None] == ALFWorld.instructions


def test_a_plain_prompt_is_the_commands_alone(world: ALFWorld) -> None:
    assert world.instructions_for(world.tasks()[0]) == ALFWorld.instructions


@pytest.mark.parametrize("style", ["act", "react"])
def test_made_examples_are_two_solved_games_of_the_same_type(style: Any) -> None:
    world = ALFWorld(size="small", prompt=style)
    for task in world.tasks()[:6]:
        told = world.instructions_for(task)
        assert told.startswith(ALFWorld.instructions)
        assert told.endswith("\nHere is the task.")
        examples = told.partition("Here are two examples.\n")[2]
        assert examples.count("Your task is to: ") == 2
        assert examples.count("You are in the middle of a room.") == 2
        assert ("> think: " in examples) == (style == "react")
        assert examples.count("> think: ") == examples.count("\nOK.\n")
        assert "You arrive at" not in examples
        assert told == ALFWorld(size="small", prompt=style).instructions_for(task)


def test_the_official_examples_are_shown_in_the_official_order(official: Path) -> None:
    file = official.parent / "alfworld_3prompts.json"
    if not file.exists():
        pytest.skip(f"needs ReAct's prompts: no {file}")
    prompts = json.loads(file.read_text())
    names = dict(zip(TASK_TYPES, ("put", "examine", "clean", "heat", "cool", "puttwo")))
    for style in ("act", "react"):
        world = ALFWorld(prompt=style, prompts=file)
        for task in world.tasks()[:6]:
            told = world.instructions_for(task)
            first, second = (prompts[f"{style}_{names[task.kind]}_{n}"].strip() for n in (1, 0))
            assert told.endswith(f"Here are two examples.\n{first}\n{second}\nHere is the task.")


def test_examples_can_be_reworded(official: Path) -> None:
    file = official.parent / "alfworld_3prompts.json"
    if not file.exists():
        pytest.skip(f"needs ReAct's prompts: no {file}")
    world = ALFWorld(prompt="act", prompts=file, wording="move")
    told = "".join(map(world.instructions_for, world.tasks()[:6]))
    assert re.search(r"> move \w+ \d+ to \w+ \d+", told)
    assert not re.search(r"> put \w+ \d+ in/on", told)


def test_observations_are_trimmed_as_in_the_examples() -> None:
    assert trim("You arrive at loc 12. On the desk 1, you see a pen 1.") == (
        "On the desk 1, you see a pen 1."
    )
    assert trim("Nothing happens.") == "Nothing happens."
    with ALFWorld(size="small", prompt="act") as world:
        seen = world.reset(world.tasks()[0])
        assert seen.text.startswith("You are in the middle of a room.")
        assert "\nYour task is to: " in seen.text and "\n\n" not in seen.text
        assert not world.step(seen.admissible[0]).text.startswith("You arrive")


def test_a_thought_is_answered_costs_a_step_and_changes_nothing() -> None:
    with ALFWorld(size="small", prompt="react", expert="search") as world:
        seen = world.reset(world.tasks()[0])
        thought = world.step("think: where would a mug be?")
        assert (thought.text, thought.admissible) == ("OK.", seen.admissible)
        assert thought.info == seen.info | {"steps": 1}
        snapshot = world.snapshot()
        after = world.step(seen.admissible[0])
        assert world.restore(snapshot) == thought
        assert world.step(seen.admissible[0]) == after


def test_without_react_a_thought_is_no_command(world: ALFWorld) -> None:
    world.reset(world.tasks()[0])
    assert world.step("think: hm").text == "Nothing happens."


async def test_an_agent_in_a_worker_process_is_told_the_examples() -> None:
    heard = []

    def listen(messages: list[Any]) -> str:
        heard.append("\n".join(message.text for message in messages))
        return "<action>think: hm</action>"

    world = ALFWorld(size="small", games=2, max_steps=2, prompt="react")
    report = await evaluate(
        act(ToolAgent(ScriptedModel(listen))), world, workers=1, progress=False, concurrency=1
    )
    assert report.stops == {"step limit": 2}
    for task, text in zip(world.tasks(), heard[::2], strict=True):
        assert f"{world.instructions_for(task)}\n\nYou are in the middle of a room." in text
    assert heard[1].endswith("OK.")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"wording": "drop"}, r"wording='drop': it is one of \('put', 'move'\)"),
        ({"prompt": "cot"}, r"prompt='cot': it is one of \('plain', 'act', 'react'\)"),
        ({"prompts": "x.json"}, "prompts= names examples, which prompt='plain' does not show"),
        (
            {"prompt": "act", "prompts": "nowhere.json"},
            r"'nowhere\.json' cannot be read: .*No such",
        ),
    ],
)
def test_a_prompt_that_cannot_be_had_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ALFWorld(**options)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("rubbish", "cannot be read"),
        ('{"act_put_0": 3}', "cannot be read"),
        ('{"act_put_0": "> look"}', "lacks act_put_1, react_put_0"),
    ],
)
def test_a_file_of_prompts_that_is_damaged_is_named(
    content: str, message: str, tmp_path: Path
) -> None:
    file = tmp_path / "prompts.json"
    file.write_text(content)
    with pytest.raises(ValueError, match=message) as error:
        ALFWorld(prompt="react", prompts=file)
    assert str(file) in str(error.value)
