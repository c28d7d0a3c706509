"""Scripted walks, of which the transcripts are those of the official environment.

The digests were taken by playing `transcript` on the official text environment, with its searcher
and its tagger replaced by those here, which are compared with Lucene and described elsewhere; its
`random.seed(0)` came just before it drew prices.
"""

import hashlib
import json
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from symposia.benchmarks.webshop import WebShop
from symposia.benchmarks.webshop.pages import Format, clickables
from symposia.episodes import Observation, Task

Shown = tuple[str, list[str], float, bool]
"""What a step shows: the observation, the clickables, the reward and whether it ended."""

ODD = ("click[nothing]", "think[x]", "search[]", "click[Search]", "x search[red]", "", "[a]", "a[]")
QUERIES = ('"red" shirt', "search_results red", "item_page table", "red shoes", "<q> nightstands")


def transcript(
    tasks: Sequence[Task],
    start: Callable[[int], Shown],
    step: Callable[[str], Shown],
    episodes: int,
    steps: int = 20,
) -> str:
    """The SHA-256 of what is shown on walks that a seed decides."""
    rng = random.Random(7)
    digest = hashlib.sha256()
    for _ in range(episodes):
        number = rng.randrange(len(tasks))
        goal = tasks[number].reference
        shown = start(number)
        digest.update(json.dumps(shown).encode())
        plan = _purchase(goal, rng) if rng.random() < 0.5 else []
        for _ in range(steps):
            action = plan.pop(0) if plan else _action(shown, goal, rng)
            shown = step(action)
            digest.update(json.dumps([action, *shown]).encode())
    return digest.hexdigest()


def _purchase(goal: dict[str, Any], rng: random.Random) -> list[str]:
    """What buys the product that is asked for, though not always as it is asked for."""
    options = goal["goal_options"]
    values = list(options.values()) if isinstance(options, dict) else options
    chosen = [f"click[{value}]" for value in values if rng.random() < 0.8]
    found = f"search[{goal['name'].lower()[:120]}]"
    return [found, f"click[{goal['asin'].lower()}]", *chosen, "click[buy now]"]


def _action(shown: Shown, goal: dict[str, Any], rng: random.Random) -> str:
    clickables, chance = shown[1], rng.random()
    if chance < 0.15 or len(clickables) < 2:
        return f"search[{rng.choice([goal['query'], goal['name'][:40], *QUERIES])}]"
    if chance < 0.2:
        return rng.choice(ODD)
    if chance < 0.3 and "buy now" in clickables:
        return "click[buy now]"
    return f"click[{rng.choice(clickables)}]"


@pytest.mark.parametrize(
    ("form", "human", "expected"),
    [
        ("text", False, "45ac2695d07b60cc33a46f3c994e3983b6382bb14f06c36439af46cb6994bfc6"),
        ("text_rich", False, "1d3bed3580b51a448e8579ea485421708307a976bbb08b95e02fba243e3bacb3"),
        ("text_rich", True, "96c6bc047ba672cd5446373c64884bcda721833c8b84e3be29bb3e8d069480e8"),
    ],
)
def test_walks_show_what_the_official_environment_shows(
    form: Format, human: bool, expected: str, official: Path
) -> None:
    world = WebShop(
        data=official, observation=form, human_goals=human, rewards="approximate", max_steps=100
    )
    tasks = world.tasks()

    def shown(seen: Observation) -> Shown:
        return seen.text, list(clickables(world._page)), seen.reward, seen.done

    digest = transcript(
        tasks,
        lambda number: shown(world.reset(tasks[number])),
        lambda action: shown(world.step(action)),
        episodes=60,
    )
    assert digest == expected
