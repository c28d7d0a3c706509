"""What holds for any actions, and for any products."""

import json
import pickle
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symposia.benchmarks.webshop import WebShop
from symposia.episodes import Observation

PLACES = st.integers(0, 40).map(str)
"""Stand for an admissible action, counted round."""
ACTIONS = st.one_of(
    PLACES,
    st.text(max_size=60),
    st.text(max_size=30).map(lambda text: f"search[{text}]"),
    st.sampled_from(
        [
            *("search[set]", "search[<r>]", "search[<a> x]", "search[<c>]", "search[<c> garden]"),
            *("search[<q> cables]", "search[search_results set]", "search[item_page set]"),
            *("search[done]", "click[buy now]", "click[< prev]", "click[next >]", "click[reviews]"),
            *("search[\ud800]", "click[\ud800]", "search[ ]", "search[\x00]"),
        ]
    ),
)
WALKS = st.lists(st.one_of(PLACES, ACTIONS), max_size=20)
TASKS = st.integers(0, 200)


@cache
def world_of(strict: bool, form: Any) -> WebShop:
    return WebShop(strict_official=strict, observation=form, rewards="approximate", max_steps=60)


def walk(world: WebShop, seen: Observation, actions: list[str]) -> list[Observation]:
    """What is shown from `seen` on."""
    shown = [seen]
    for action in actions:
        offered = shown[-1].admissible
        if action.isdecimal() and action.isascii() and offered:
            action = offered[int(action) % len(offered)].replace("<query>", "set")
        shown.append(world.step(action))
    return shown


@settings(max_examples=150, deadline=None)
@given(WALKS, TASKS)
@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("form", ["text", "text_rich"])
def test_no_actions_ever_raise(strict: bool, form: str, actions: list[str], number: int) -> None:
    world = world_of(strict, form)
    for seen in walk(world, world.reset(world.tasks()[number]), actions):
        assert 0.0 <= seen.reward <= 1.0
        json.dumps(seen.info)


@settings(max_examples=40, deadline=None)
@given(WALKS, TASKS)
@pytest.mark.parametrize("strict", [True, False])
def test_what_is_shown_depends_on_nothing_but_seed_and_actions(
    strict: bool, actions: list[str], number: int
) -> None:
    world = world_of(strict, "text_rich")
    other = pickle.loads(pickle.dumps(world))
    task = world.tasks()[number]
    shown = walk(world, world.reset(task), actions)
    assert walk(other, other.reset(task), actions) == shown
    assert walk(world, world.reset(task), actions) == shown


@settings(max_examples=50, deadline=None)
@given(WALKS, WALKS, WALKS, TASKS)
@pytest.mark.parametrize("form", ["text", "text_rich"])
def test_a_snapshot_gives_identical_futures_here_and_in_a_fork(
    form: str, before: list[str], between: list[str], after: list[str], number: int
) -> None:
    world = world_of(True, form)
    task = world.tasks()[number]
    held = walk(world, world.reset(task), before)[-1]
    snapshot = pickle.loads(pickle.dumps(world.snapshot()))
    walk(world, held, between)
    assert world.restore(snapshot) == held
    future = walk(world, held, after)
    fork = world.fork()
    fork.reset(task)
    assert fork.restore(snapshot) == held
    assert walk(fork, held, after) == future


WORDS = st.lists(
    st.sampled_from(
        [
            *("red", "Shirt", "x-large", "<b>", "&amp;", "'q'", '"', "\n", "\r\n", " ", "\xa0"),
            *("\u00e9", "\u6f22", "item_page", "search_results", "[x]", "{{ 1 }}", "\u2028", "]"),
            *("Reviews", "Buy Now", "< Prev", "Next >", "Search", "B000000001", "\u0130", "\ud800"),
        ]
    ),
    max_size=4,
).map("".join)
RECORDS = st.fixed_dictionaries(
    {
        "name": WORDS,
        "full_description": WORDS,
        "small_description": st.one_of(WORDS, st.lists(WORDS, max_size=2)),
        "pricing": st.sampled_from(["", None, "$27.00", "$1,299 - $1,400", "$0", "$9$8", "no"]),
        "product_category": WORDS,
        "category": WORDS,
        "query": WORDS,
        "customization_options": st.dictionaries(
            WORDS, st.lists(st.fixed_dictionaries({"value": WORDS}), max_size=3), max_size=2
        ),
    }
)
TOLD = st.fixed_dictionaries(
    {
        "attributes": st.lists(WORDS, max_size=2),
        "instruction": WORDS,
        "instruction_attributes": st.lists(WORDS, min_size=1, max_size=2),
    }
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(RECORDS, TOLD), min_size=1, max_size=4), WALKS, st.booleans())
def test_no_products_make_an_action_raise(
    products: list[tuple[dict[str, Any], dict[str, Any]]], actions: list[str], strict: bool
) -> None:
    records = [{"asin": f"B{n:09d}", **record} for n, (record, _) in enumerate(products)]
    told = {f"B{n:09d}": said for n, (_, said) in enumerate(products)}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "items_shuffle.json").write_text(json.dumps(records))
        (folder / "items_ins_v2.json").write_text(json.dumps(told))
        world = WebShop(
            data=folder, observation="text_rich", rewards="approximate", strict_official=strict
        )
        try:
            task = world.tasks()[0]
        except ValueError:  # no goals: every product was left out, or can be bought in no way
            return
        opening = [f"search[{task.reference['name']} red]", "2", "6", "7", "click[buy now]"]
        for seen in walk(world, world.reset(task), [*opening, *actions]):
            assert 0.0 <= seen.reward <= 1.0
            assert all(isinstance(action, str) for action in seen.admissible)
