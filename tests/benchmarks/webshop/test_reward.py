"""The reward: the fuzzy matching, its quirks, and how each is mended."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symposia.benchmarks.webshop import WebShop, environment, nouns
from symposia.benchmarks.webshop.goals import Goal
from symposia.benchmarks.webshop.matching import COLOURS, alike
from symposia.benchmarks.webshop.nouns import guess_nouns
from symposia.benchmarks.webshop.products import Product
from symposia.benchmarks.webshop.reward import reward_of

PRODUCT = Product(
    asin="B000000001",
    title="Acme Running Shoes",
    description="With a rubber sole.",
    bullets=("Arch Support",),
    prices=(20.0,),
    options={"size": ("large", "x-large"), "color": ("red", "shredded")},
    attributes=("memory foam",),
    category="fashion",
    query="women's shoes",
    product_category="Shoes",
)
GOAL: Goal = {
    "asin": "B000000001",
    "category": "fashion",
    "query": "women's shoes",
    "name": "Acme Running Shoes",
    "product_category": "Shoes",
    "instruction_text": "Find shoes",
    "attributes": ["rubber sole"],
    "price_upper": 30.0,
    "goal_options": {"size": "large"},
    "weight": 1,
    "seed": 0,
}


def reward(goal: dict[str, Any], strict: bool = True, **chosen: str) -> Any:
    wanted: Any = {**GOAL, **goal}
    return reward_of(PRODUCT, chosen, 20.0, wanted, guess_nouns, strict=strict)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        # decisions of thefuzz 0.19 on difflib: token_set_ratio above 85
        ("large", "x-large", True),
        ("gluten free", "free of gluten", True),
        ("long sleeve", "long sleeves", True),
        ("size 6", "size 7", False),
        ("('size', 'large')", "large", True),
        ("", "", False),
        ("!!", "!!", False),
        ("caf\u00e9", "caf", True),
        ("\u6f22\u5b57", "\u6f22\u5b57", True),
        ("a_b", "a b", False),
    ],
)
def test_wordings_are_alike_as_in_thefuzz(one: str, other: str, expected: bool) -> None:
    assert alike(one, other) is alike(other, one) is expected


def test_colour_words_are_in_alphabetical_order() -> None:
    assert len(COLOURS) == 102
    assert list(COLOURS) == sorted(COLOURS)


def test_the_right_product_earns_one() -> None:
    assert reward({}, size="large").value == 1.0


def test_each_part_counts() -> None:
    assert reward({}).value == pytest.approx(2 / 3)
    assert reward({"price_upper": 10.0}, size="large").value == pytest.approx(2 / 3)
    assert reward({"attributes": ["hair growth"]}, size="large").value == pytest.approx(2 / 3)
    assert reward({"price_upper": 0}, size="large").price is False


@pytest.mark.parametrize("attribute", ["memory foam", "rubber sole", "arch support", "running"])
def test_attributes_are_looked_for_everywhere(attribute: str) -> None:
    assert reward({"attributes": [attribute]}).attributes == 1


def test_the_kind_of_product_scales_the_reward() -> None:
    other = {"query": "tables", "product_category": "Tables"}
    assert reward({}).type == 1.0
    assert reward({**other, "name": "Oak Table"}).type == 0.0
    assert reward({**other, "name": "Shoes"}).type == 1.0
    assert reward({**other, "name": "A B C D E F Shoes"}).type == 0.5
    assert reward({"name": "A B C D E F Shoes"}).type == 1.0
    assert reward({"name": "B C D E F G H I J K L Shoes"}).type == 0.1
    assert reward({**other, "name": "123"}).type == 0.5
    goal = {**other, "name": "A B C D E F Shoes", "product_category": "Shoes > X"}
    assert reward(goal).type == 0.5


def test_two_common_levels_make_the_kind_match() -> None:
    deep = replace(PRODUCT, product_category="Fashion \u203a Women \u203a Shoes")
    wanted: Any = {
        **GOAL,
        "query": "x",
        "name": "A B C D E F Shoes",
        "product_category": "Women \u203a Fashion",
    }
    assert reward_of(deep, {}, 1.0, wanted, guess_nouns).type == 1.0


def test_quirk_the_wanted_option_may_be_part_of_the_chosen_one() -> None:
    goal = {"goal_options": ["large"]}
    assert reward(goal, size="x-large").options == 1
    assert reward(goal, strict=False, size="x-large").options == 0
    assert reward(goal, strict=False, size="large").options == 1


def test_quirk_the_name_of_an_option_counts_as_a_word_of_it() -> None:
    assert reward({}, note="size").options == 1
    assert reward({}, strict=False, note="size").options == 0
    assert reward({}, strict=False, note="large").options == 0


def test_quirk_colours_are_found_inside_words() -> None:
    goal = {"goal_options": ["red"]}
    assert reward(goal, color="shredded").options == 1
    assert reward(goal, strict=False, color="shredded").options == 0
    assert reward(goal, strict=False, color="bright red").options == 1


def test_quirk_repeated_nouns_count_repeatedly() -> None:
    goal = {"query": "x", "name": "Shoes Box Box Box Box", "product_category": "y"}
    assert reward(goal).type == 0.5
    assert reward(goal, strict=False).type == 1.0


def test_options_without_names_are_compared_by_value() -> None:
    assert reward({"goal_options": ["large"]}, size="large").value == 1.0
    assert reward({"goal_options": ["large"]}, strict=False, size="large").value == 1.0


def test_nouns_are_guessed_by_shape() -> None:
    assert guess_nouns("Soft running shoes for Women, 2 Pack of 10oz") == (
        *("soft", "running", "shoes", "women", "pack"),
    )
    assert guess_nouns("comfortable shoes with soft soles") == ("shoes", "soles")
    assert guess_nouns("12 34 !!") == ()


def test_reports_say_which_rewards_they_hold() -> None:
    world = WebShop(products=20, rewards="approximate")
    assert world.options["rewards"] == "approximate"
    goal = world.tasks()[0]
    world.reset(goal)
    world.step(f"search[{goal.reference['name']}]")
    world.step(f"click[{goal.reference['asin']}]")
    bought = world.step("click[Buy Now]")
    assert bought.info["rewards"] == "approximate"
    assert bought.info["reward"]["value"] == bought.reward


def test_official_rewards_come_from_the_tagger(monkeypatch: pytest.MonkeyPatch) -> None:
    def tagger(title: str) -> list[Any]:
        kinds = {"Acme": "PROPN", "Shoes": "NOUN"}
        return [SimpleNamespace(text=word, pos_=kinds.get(word, "ADJ")) for word in title.split()]

    monkeypatch.setattr(nouns, "_model", lambda: tagger)
    monkeypatch.setattr(environment, "has_model", lambda: True)
    monkeypatch.setattr(environment, "require_model", lambda: None)
    assert nouns.tagged_nouns("Acme Big Shoes Shoes") == ("acme", "shoes", "shoes")
    world = WebShop(products=20)
    assert world.options["rewards"] == "official"
    world.reset(world.tasks()[0])
    world.step(world.step("search[set]").admissible[2])
    assert world.step("click[Buy Now]").info["rewards"] == "official"
    nouns.tagged_nouns.cache_clear()


def test_guessed_rewards_are_announced(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(environment, "has_model", lambda: False)
    assert WebShop().options["rewards"] == "approximate"
    assert "rewards are approximate" in caplog.text


words = st.text(alphabet="abred x-1'\u00e9", max_size=12)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(words, max_size=3),
    st.one_of(st.lists(words, max_size=3), st.dictionaries(words, words, max_size=3)),
    st.dictionaries(words, words, max_size=3),
    words,
    st.floats(-10, 1000),
    st.booleans(),
)
def test_any_reward_lies_between_zero_and_one(
    attributes: list[str], asked: Any, chosen: dict[str, str], name: str, limit: float, strict: bool
) -> None:
    goal: Any = {
        **GOAL,
        "attributes": attributes,
        "goal_options": asked,
        "name": name,
        "price_upper": limit,
    }
    found = reward_of(PRODUCT, chosen, 20.0, goal, guess_nouns, strict=strict)
    assert 0.0 <= found.value <= 1.0
