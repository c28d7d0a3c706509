"""What every environment promises: no action raises, scores lie in [0, 1], the seed decides what is
seen, snapshots give identical futures, and the gold is never shown."""

from __future__ import annotations

import json
import pickle
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core.messages import BaseMessage
from typer.testing import CliRunner

from symposia import ScriptedModel, ToolAgent, act, evaluate_sync, make_environment
from symposia.benchmarks import Environment
from symposia.cli.app import app
from symposia.episodes import Observation, Task
from symposia.graphs import follow

LAKE = {"env": "FrozenLake-v1", "actions": ["left", "down", "right", "up"], "max_steps": 20}
WORLDS: dict[str, tuple[str, dict[str, Any]]] = {
    "tictactoe": ("tictactoe", {}),
    "tictactoe, optimal, lenient": ("tictactoe", {"opponent": "minimax", "forgiven": 3}),
    "kuhn": ("kuhn", {}),
    "kuhn, advised": ("kuhn", {"expert": "nash"}),
    "kuhn, random, lenient": ("kuhn", {"opponent": "random", "forgiven": 2, "max_steps": 8}),
    "negotiation": ("negotiation", {"forgiven": 2}),
    "negotiation, random": ("negotiation", {"opponent": "random"}),
    "bargaining": ("bargaining", {"forgiven": 2}),
    "bargaining, random": ("bargaining", {"opponent": "random", "rules": {"rounds": 4}}),
    "reasoning-gym": ("reasoning-gym", {"size": 20}),
    "gymnasium": ("gymnasium", LAKE),
    "arithmetic": ("arithmetic", {"size": 8}),
    "atlas": ("atlas", {"size": 8}),
    "atlas, claims": ("atlas", {"size": 9, "ask": "claims"}),
}
"""Name and options of environments that need no data and have no such tests of their own."""
NEEDS = {"reasoning-gym": "reasoning_gym", "gymnasium": "gymnasium"}
"""The package that an environment cannot do without."""

PLACES = st.integers(0, 40).map(str)
"""Stand for an admissible action, counted round."""
TALK = [
    *("[offer: 1 wood -> 1 gold]", "[accept]", "[deny]", "[quit]", "[offer: $15.5]", "[offer: $0]"),
    *("[offer: 10 gold -> 1 wood]", "hello", "[check] [bet]", "\ud800", "\x00", "", " ", "[[4]]"),
    *(
        "<answer>1</answer>",
        "x" * 100_000,
        "[" * 5_000,
        "1e99999",
        "[offer: \u0663 wood -> 1 gold]",
    ),
]
ACTIONS = st.one_of(PLACES, st.text(max_size=40), st.sampled_from(TALK))
WALKS = st.lists(st.one_of(PLACES, PLACES, ACTIONS), max_size=16)

every = pytest.mark.parametrize("which", WORLDS)


@cache
def world_of(which: str) -> Environment:
    name, options = WORLDS[which]
    if name in NEEDS:
        pytest.importorskip(NEEDS[name])
    return make_environment(name, **options)


def tasks_of(world: Environment) -> list[Task]:
    return list(world.tasks(world.default_split))


def walk(world: Environment, seen: Observation, actions: list[str]) -> list[Observation]:
    """What is shown from `seen` on."""
    shown = [seen]
    for action in actions:
        offered = shown[-1].admissible
        if action.isdecimal() and action.isascii() and offered:
            action = offered[int(action) % len(offered)]
        shown.append(world.step(action))
    return shown


@every
@settings(max_examples=50)
@given(actions=WALKS, number=st.integers(0, 99))
def test_no_actions_ever_raise_or_score_outside_the_bounds(
    which: str, actions: list[str], number: int
) -> None:
    world = world_of(which)
    tasks = tasks_of(world)
    shown = walk(world, world.reset(tasks[number % len(tasks)]), actions)
    for seen in shown:
        assert 0.0 <= seen.reward <= 1.0
        assert seen.text
        json.dumps(seen.info)
    over = [seen.done for seen in shown]
    assert over == sorted(over)
    assert all(seen.reward == 0 for seen in shown if not seen.done)


@every
@settings(max_examples=20)
@given(actions=WALKS, number=st.integers(0, 99))
def test_the_seed_and_the_actions_decide_what_is_shown(
    which: str, actions: list[str], number: int
) -> None:
    world = world_of(which)
    name, options = WORLDS[which]
    tasks = tasks_of(world)
    task = tasks[number % len(tasks)]
    shown = walk(world, world.reset(task), actions)
    for other in (make_environment(name, **options), world.fork(), world):
        assert walk(other, other.reset(task), actions) == shown


@every
@settings(max_examples=25)
@given(before=WALKS, between=WALKS, after=WALKS, number=st.integers(0, 99))
def test_a_snapshot_gives_identical_futures_here_and_in_a_fork(
    which: str, before: list[str], between: list[str], after: list[str], number: int
) -> None:
    world = world_of(which)
    tasks = tasks_of(world)
    task = tasks[number % len(tasks)]
    shown = walk(world, world.reset(task), before)
    held = next((seen for seen in shown if seen.done), shown[-1])
    snapshot = pickle.loads(pickle.dumps(world.snapshot()))
    walk(world, held, between)
    assert world.restore(snapshot) == held
    future = walk(world, held, after)
    fork = world.fork()
    fork.reset(task)
    assert fork.restore(snapshot) == held
    assert walk(fork, held, after) == future


@every
@settings(max_examples=30)
@given(places=st.lists(PLACES, min_size=20, max_size=20), number=st.integers(0, 99))
def test_every_admissible_action_is_possible(which: str, places: list[str], number: int) -> None:
    world = world_of(which)
    tasks = tasks_of(world)
    shown = walk(world, world.reset(tasks[number % len(tasks)]), places)
    played = [seen for seen, before in zip(shown[1:], shown, strict=False) if before.admissible]
    assert all(seen.info.get("valid", True) for seen in played)


@every
def test_tasks_are_stable_and_have_ids_of_their_own(which: str) -> None:
    world = world_of(which)
    for split in world.splits:
        tasks = world.tasks(split)
        assert list(tasks) == list(world.tasks(split))
        assert len({task.id for task in tasks}) == len(tasks)
        assert all(json.dumps(task.data) for task in tasks)
    with pytest.raises(ValueError, match="no split 'dev'; it has test, train"):
        world.tasks("dev")


@every
def test_options_make_the_same_environment_again(which: str) -> None:
    name, _ = WORLDS[which]
    options = json.loads(json.dumps(world_of(which).options))
    assert make_environment(name, **options).options == options


@every
def test_the_action_grammar_is_told_once_and_the_gold_never(which: str) -> None:
    """All that an agent reads in some episodes holds the instructions once, and no reference."""
    world = world_of(which)
    tasks = [
        Task(t.id, t.prompt, t.kind, t.data, _canaried(t.reference)) for t in tasks_of(world)[:10]
    ]
    read: list[str] = []

    def wander(messages: list[BaseMessage]) -> str:
        read.append("\n".join(message.text for message in messages))
        told = messages[-1].text
        choices = ["[1]", "[0]", "[check]", "[call]", "[Offer: 1 Wood -> 1 Gold]", "right"]
        action = next((choice for choice in choices if choice in told), "[Offer: $12]")
        return f"<action>{action}</action>"

    team = act(ToolAgent(ScriptedModel(wander)), max_steps=6)
    report = evaluate_sync(team, world, tasks=tasks, progress=False)
    assert not report.errors
    assert read
    assert world.instructions
    for prompt in read:
        assert prompt.count(world.instructions) == 1
        assert CANARY not in prompt


ADVISED: dict[str, dict[str, Any]] = {
    "alfworld": {"games": 1, "size": "small"},
    "atlas": {"size": 2},
    "bargaining": {},
    "kuhn": {},
    "negotiation": {},
    "textcraft": {"games": 2},
    "tictactoe": {},
}
"""Options of the environments that have experts."""


@pytest.mark.parametrize("name", ADVISED)
def test_what_an_expert_advises_is_never_read_by_agents(name: str) -> None:
    if name == "alfworld":
        pytest.importorskip("textworld")
    prompts = []
    for expert in (None, make_environment(name, **ADVISED[name]).experts[0]):
        with make_environment(name, **ADVISED[name], expert=expert) as world:
            read: list[str] = []

            def listen(messages: list[BaseMessage], read: list[str] = read) -> str:
                read.append("\n".join(message.text for message in messages))
                return "<action>[0]</action>"

            team = act(ToolAgent(ScriptedModel(listen)), max_steps=3)
            report = evaluate_sync(team, world, limit=2, concurrency=1, progress=False)
            assert not report.errors
            prompts.append(read)
    assert prompts[0] and prompts[0] == prompts[1]


@pytest.mark.parametrize("name", ["tictactoe", "kuhn", "negotiation", "bargaining"])
def test_the_experts_of_games_play_as_teams(name: str) -> None:
    experts = make_environment(name).experts
    assert "random" not in experts
    for expert in experts:
        world = make_environment(name, expert=expert, opponent="random", games=2)
        report = evaluate_sync(follow(), world, progress=False)
        assert not report.errors
        assert report.summary.calls == 0
    with pytest.raises(ValueError, match=f"expert='fool': {name} has {experts[0]}"):
        make_environment(name, expert="fool")


CANARY = "canary-5d1f"


def _canaried(reference: Any) -> Any:
    """A reference with the gold replaced by what can be searched for."""
    if reference is None:
        return None
    if isinstance(reference, int):
        return CANARY
    if isinstance(reference, tuple):
        return (CANARY, *reference[1:])
    assert set(reference) >= {"question", "answer", "metadata"}
    return {"question": reference["question"], "answer": CANARY, "metadata": {"gold": CANARY}}


@pytest.mark.parametrize("name", ["tictactoe", "kuhn", "negotiation", "bargaining"])
def test_every_game_is_played_on_the_command_line(name: str, tmp_path: Path) -> None:
    actions = tmp_path / "actions.txt"
    actions.write_text("[0]\nhello\n")
    called = CliRunner().invoke(app, ["play", name, "--actions", str(actions), "--json"])
    assert called.exit_code == 0, called.output
    records = [json.loads(line) for line in called.output.splitlines()]
    assert records[0]["action"] is None and records[0]["text"]
    assert records[-1]["action"] in ("[0]", "hello")
