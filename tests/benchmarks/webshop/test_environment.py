"""The environment: pages, actions, the end of an episode, snapshots, and what never happens."""

import json
import pickle
import random
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symposia.benchmarks import make_environment
from symposia.benchmarks.environment import TaskError
from symposia.benchmarks.webshop import WebShop
from symposia.benchmarks.webshop.session import can_be_typed, parse_action
from symposia.episodes import Observation, Task

GOLD = ("asin", "name", "product_category", "category")


def bought(world: WebShop, task: Task) -> Observation:
    """Buy exactly what a task asks for."""
    goal = task.reference
    world.reset(task)
    seen = world.step(f"search[{goal['name']}]")
    assert f"click[{goal['asin'].lower()}]" in seen.admissible
    seen = world.step(f"click[{goal['asin']}]")
    for value in goal["goal_options"].values():
        assert f"click[{value}]" in seen.admissible
        seen = world.step(f"click[{value}]")
    return world.step("click[Buy Now]")


def on_item_page(world: WebShop, **facts: Any) -> Task:
    """Go to a product whose options hold certain names."""
    for task in world.tasks():
        if set(facts.get("options", ())) <= set(task.reference["goal_options"]):
            world.reset(task)
            world.step(f"search[{task.reference['name']}]")
            world.step(f"click[{task.reference['asin']}]")
            return task
    raise AssertionError("no such product")


def test_the_first_page_holds_the_instruction(shop: WebShop) -> None:
    task = shop.tasks()[0]
    seen = shop.reset(task)
    assert seen.text == f"WebShop [SEP] Instruction: [SEP] {task.prompt} [SEP] Search"
    assert seen.admissible == ("search[<query>]",)
    assert (seen.reward, seen.done) == (0.0, False)
    rich = WebShop(observation="text_rich", rewards="approximate").reset(task)
    assert rich.text == f"WebShop\nInstruction: \n{task.prompt}\n[button] Search [button_]\n"


def test_results_are_shown_ten_a_page(shop: WebShop) -> None:
    shop.reset(shop.tasks()[0])
    first = shop.step("search[set]")
    assert "Page 1 (Total results: 50)" in first.text
    assert first.admissible[:2] == ("click[back to search]", "click[next >]")
    assert len(first.admissible) == 12
    second = shop.step("click[Next >]")
    assert second.admissible[:3] == ("click[back to search]", "click[< prev]", "click[next >]")
    assert not set(first.admissible[2:]) & set(second.admissible[3:])
    for _ in range(4):
        past = shop.step("click[Next >]")
    assert "Page 6 (Total results: 50)" in past.text
    assert len(past.admissible) == 3
    assert shop.step("click[Back to Search]").admissible == ("search[<query>]",)


def test_a_product_page_leads_to_its_further_pages_and_back(shop: WebShop) -> None:
    task = on_item_page(shop)
    item = shop.step("click[nothing]")
    assert not item.info["valid"]
    for name in ("Description", "Features", "Reviews"):
        further = shop.step(f"click[{name}]")
        assert further.admissible == ("click[back to search]", "click[< prev]")
        assert shop.step("click[< Prev]").text == item.text
    assert task.reference["asin"] in shop.step("click[< Prev]").text


def test_the_attributes_are_shown_on_demand_only(shop: WebShop) -> None:
    on_item_page(shop)
    assert not shop.step("click[Attributes]").info["valid"]
    world = WebShop(show_attributes=True)
    task = on_item_page(world)
    assert task.reference["attributes"][0] in world.step("click[Attributes]").text


def test_chosen_options_and_visited_products_are_marked() -> None:
    world = WebShop(observation="text_rich")
    task = on_item_page(world, options=["color"])
    colour = task.reference["goal_options"]["color"]
    seen = world.step(f"click[{colour}]")
    assert seen.text.startswith(f"You have clicked {colour}.\n")
    assert f"  [clicked button] {colour} [clicked button_]\n" in seen.text
    asin = task.reference["asin"]
    seen = world.step("click[< Prev]")
    assert f"\n[clicked button] {asin} [clicked button_]\n" in seen.text
    seen = world.step(f"click[{asin}]")
    assert "You have clicked" not in seen.text


def test_buying_what_is_asked_for_solves_every_generated_task() -> None:
    world = WebShop(products=60)
    tasks = world.tasks()
    for task in tasks[:: max(1, len(tasks) // 40)]:
        end = bought(world, task)
        assert (end.reward, end.done, end.info["stop"]) == (1.0, True, "solved")
        assert end.text.startswith("Thank you for shopping with us!")
        assert end.admissible == ()


def test_buying_something_else_ends_without_success(shop: WebShop) -> None:
    task = next(t for t in shop.tasks() if t.reference["category"] == "grocery")
    shop.reset(task)
    seen = shop.step("search[headphones]")
    shop.step(seen.admissible[2])
    end = shop.step("click[Buy Now]")
    assert end.done and end.reward < 1
    assert (end.info["stop"], end.info["won"]) == ("bought", False)


def test_the_step_limit_ends_a_task_without_reward() -> None:
    world = WebShop(products=20, max_steps=3)
    world.reset(world.tasks()[0])
    answers = [world.step("search[set]") for _ in range(4)]
    assert [each.done for each in answers] == [False, False, True, True]
    assert answers[-1].info == {"won": False, "steps": 3, "valid": True, "stop": "step limit"}


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        ("search[red shoes]", ("search", "red shoes")),
        ("search[a] and more", ("search", "a")),
        ("think. click[a]", ("think. click", "a")),
        ("search[a[b]c]d", ("search[a", "b]c")),
        ("search[]", ("search[]", "")),
        ("[a]", ("[a]", "")),
        ("search[[]]", ("search[", "]")),
        ("search[]]", ("search", "]")),
        ("search[a\nb]", ("search[a", "")),
        ("search[a]\nb]", ("search", "a")),
        ("", ("", "")),
    ],
)
def test_actions_are_read_as_by_the_official_pattern(
    action: str, expected: tuple[str, str]
) -> None:
    assert parse_action(action) == expected


@given(st.text(alphabet="ab[]\n", max_size=6))
def test_names_that_cannot_be_typed_are_not_admissible(name: str) -> None:
    assert can_be_typed(name) is (parse_action(f"click[{name}]") == ("click", name))


def test_huge_actions_are_read_at_once() -> None:
    for action in ("[" * 10**6, "a[" * 10**6 + "]", "search[" + "x " * 10**5 + "]"):
        parse_action(action)


@pytest.mark.parametrize(
    "action", ["", "look", "click[nothing]", "search[]", "Search[x]", "click[search]", " click[x]"]
)
def test_an_impossible_action_changes_nothing_and_costs_a_step(action: str, shop: WebShop) -> None:
    first = shop.reset(shop.tasks()[0])
    seen = shop.step(action)
    assert (seen.text, seen.admissible) == (first.text, first.admissible)
    assert seen.info == {"won": False, "steps": 1, "valid": False}


def test_quirk_search_works_anywhere_and_after_the_end() -> None:
    for strict in (True, False):
        world = WebShop(strict_official=strict)
        end = bought(world, world.tasks()[0])
        after = world.step("search[set]")
        assert (end.done, after.reward) == (True, 0.0)
        assert after.done is not strict
        assert ("Page 1" in after.text) is strict
        on_item_page(world)
        assert world.step("search[set]").info["valid"] is strict


def test_quirk_hidden_operators() -> None:
    strict, mended = WebShop(), WebShop(strict_official=False)
    task = strict.tasks()[0]
    query = task.reference["query"]

    def search(world: WebShop, text: str) -> Observation:
        world.reset(task)
        return world.step(f"search[{text}]")

    for operator in (f"<q> {query}", f"<c> {task.reference['category']}", "<r>"):
        found = search(strict, operator)
        assert "Page 1" in found.text
        assert search(strict, operator) == found
    total = sum(strict.catalogue.product(n).query == query for n in range(200))
    assert f"(Total results: {total})" in search(strict, f"<q> {query}").text
    for crash in ("<a> soft", "<c>"):
        assert not search(strict, crash).info["valid"]
        assert search(mended, crash).info["valid"]
    assert "(Total results: 0)" in search(mended, "<r>").text


def test_quirk_the_address_decides_where_a_button_leads() -> None:
    for strict in (True, False):
        world = WebShop(strict_official=strict)
        task = world.tasks()[0]
        world.reset(task)
        world.step(f"search[item_page {task.reference['name']}]")
        world.step(f"click[{task.reference['asin']}]")
        world.step("click[Description]")
        back = world.step("click[< Prev]")
        assert ("Total results" in back.text) is strict
        assert ("Rating: N.A." in back.text) is not strict


def test_quirk_a_query_can_make_options_look_chosen() -> None:
    for strict in (True, False):
        world = WebShop(observation="text_rich", strict_official=strict)
        task = next(t for t in world.tasks() if "color" in t.reference["goal_options"])
        colour = task.reference["goal_options"]["color"]
        world.reset(task)
        world.step(f'search["{colour}" {task.reference["name"]}]')
        seen = world.step(f"click[{task.reference['asin']}]")
        assert (f"You have clicked {colour}." in seen.text) is strict


def test_quirk_values_with_quotes_never_look_chosen() -> None:
    for strict in (True, False):
        world = WebShop(observation="text_rich", strict_official=strict)
        tasks = world.tasks()
        task = next(t for t in tasks if '"' in t.reference["goal_options"].get("size", ""))
        world.reset(task)
        world.step(f"search[{task.reference['name']}]")
        world.step(f"click[{task.reference['asin']}]")
        seen = world.step(f"click[{task.reference['goal_options']['size']}]")
        assert seen.info["valid"]
        assert ("You have clicked" in seen.text) is not strict


def test_quirk_an_option_named_like_a_button_acts_as_it(tmp_path: Any) -> None:
    told = {"attributes": ["soft"], "instruction": "Find", "instruction_attributes": ["soft"]}
    record = {
        **dict.fromkeys(("name", "full_description", "query", "category"), "thing"),
        "asin": "B000000001",
        "small_description": ["x"],
        "product_category": "x",
        "customization_options": {"kind": [{"value": "Reviews"}, {"value": "Next >"}]},
    }
    (tmp_path / "items_shuffle.json").write_text(json.dumps([record]))
    (tmp_path / "items_ins_v2.json").write_text(json.dumps({record["asin"]: told}))
    for strict in (True, False):
        world = WebShop(data=tmp_path, strict_official=strict, observation="text_rich")
        world.reset(world.tasks()[0])
        world.step("search[thing]")
        world.step("click[b000000001]")
        assert "You have clicked next >." in world.step("click[next >]").text
        seen = world.step("click[reviews]")
        assert ("You have clicked reviews." in seen.text) is not strict


def test_nothing_of_the_goal_is_shown_before_it_is_found(shop: WebShop) -> None:
    for task in shop.tasks()[::25]:
        seen = shop.reset(task)
        assert task.prompt in seen.text
        rest = seen.text.replace(task.prompt, "")
        shown = [rest, *seen.admissible, json.dumps(seen.info), json.dumps(task.data), task.id]
        shown += [shop.step("search[zzz]").text.replace(task.prompt, ""), shop.instructions]
        for text in shown:
            for key in GOLD:
                assert task.reference[key] not in text
            assert not any(each in text for each in task.reference["attributes"])
        assert task.reference["asin"] not in repr(task)


def test_the_last_page_tells_nothing_of_the_goal(shop: WebShop) -> None:
    task = next(t for t in shop.tasks() if t.reference["category"] == "grocery")
    shop.reset(task)
    seen = shop.step("search[headphones]")
    shop.step(seen.admissible[2])
    end = shop.step("click[Buy Now]")
    for key in GOLD:
        assert task.reference[key] not in end.text
        assert task.reference[key] not in json.dumps(end.info)


def test_options_tell_what_is_played() -> None:
    world = WebShop(observation="text_rich", products=9, seed=3, strict_official=False)
    assert WebShop(**world.options).options == json.loads(json.dumps(world.options))


@pytest.mark.parametrize(
    "wrong", [{"observation": "html"}, {"rewards": "none"}, {"products": 0}, {"products": -1}]
)
def test_wrong_settings_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        WebShop(**wrong)


def test_official_rewards_without_the_model_say_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("symposia.benchmarks.webshop.nouns.MODEL", "no_such_model")
    with pytest.raises(ImportError, match="spacy download"):
        WebShop(rewards="official")
    assert WebShop().options["rewards"] == "approximate"


def test_without_numpy_the_pip_command_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "numpy", None)
    with pytest.raises(ImportError, match=r'pip install "symposia\[webshop\]"'):
        make_environment("webshop").tasks("all")


def test_a_task_of_another_manifest_is_refused(shop: WebShop) -> None:
    task = shop.tasks()[0]
    with pytest.raises(TaskError, match="manifests differ"):
        shop.reset(Task(task.id, "Find me something else", data=task.data))
    with pytest.raises(TaskError, match="no goal 'x'"):
        shop.reset(Task("webshop:x", "", data={"goal": "x"}))
    with pytest.raises(TaskError, match="no goal None"):
        shop.reset(Task("webshop:x", ""))


def test_a_step_before_reset_is_a_mistake_of_the_program() -> None:
    with pytest.raises(RuntimeError, match="reset"):
        WebShop().step("search[x]")


def test_forks_and_pickled_copies_play_on_their_own(shop: WebShop) -> None:
    first, second = shop.tasks()[:2]
    shown = shop.reset(first)
    for twin in (shop.fork(), pickle.loads(pickle.dumps(shop))):
        with twin:
            assert twin.options == shop.options
            assert twin.catalogue is shop.catalogue
            assert twin.reset(second).text != shown.text
            assert shop.step("search[set]").info["valid"]
    assert shop.reset(first) == shown


def test_a_snapshot_belongs_to_its_task(shop: WebShop) -> None:
    first, second = shop.tasks()[:2]
    shop.reset(first)
    snapshot = shop.snapshot()
    shop.reset(second)
    with pytest.raises(ValueError, match="cannot continue"):
        shop.restore(snapshot)


def test_every_admissible_action_is_possible(shop: WebShop) -> None:
    rng = random.Random(3)
    for task in shop.tasks()[:30]:
        seen = shop.reset(task)
        while not seen.done and seen.info["steps"] < 15:
            action = rng.choice(seen.admissible).replace("<query>", "set")
            seen = shop.step(action)
            assert seen.info["valid"], action
