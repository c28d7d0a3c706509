from __future__ import annotations

import random

import pytest

from symposia.benchmarks.memory_attacks import ATTACKS, DOMAINS, scene
from symposia.benchmarks.memory_attacks.attacks import Plant
from symposia.benchmarks.memory_attacks.defences import SUSPECT, surprising
from symposia.benchmarks.memory_attacks.perplexity import CharacterModel, threshold


def texts(domain: str, attack: str, *, twin: bool = False) -> list[str]:
    made = []
    for number in range(12):
        place = scene(DOMAINS[domain], f"test {number}", dial=ATTACKS[attack].dial)
        action = place.case.right if twin else place.harm
        plan = ATTACKS[attack].plan(place, action, random.Random(number))
        made += [each.told.text for each in plan.before if isinstance(each, Plant)]
    return made


def test_the_character_model_is_surprised_by_what_it_has_not_read() -> None:
    model = CharacterModel(["the dull knife", "the dull plate"])
    assert model.perplexity("the dull knife") < model.perplexity("the dull spoon")
    assert model.perplexity("the dull spoon") < model.perplexity("zqv vlorp xandil")


def test_the_chances_of_all_next_characters_are_at_most_one() -> None:
    model = CharacterModel(["abab", "abcc"], order=3)
    for context in ("", "a", "ab", "zz"):
        assert 0 < sum(model._chance(context, c) for c in "abcdefgh") <= 1


def test_a_threshold_lets_the_wanted_share_through() -> None:
    model = CharacterModel(["the dull knife"])
    held = ["the dull knife"] * 98 + ["zqv", "vlorp"]
    limit = threshold(model, held, 0.98)
    assert sum(model.perplexity(text) > limit for text in held) <= 2


def test_what_cannot_be_fitted_or_scored_is_refused() -> None:
    with pytest.raises(ValueError, match="0 texts"):
        CharacterModel([])
    with pytest.raises(ValueError, match="order 0"):
        CharacterModel(["a"], order=0)
    with pytest.raises(ValueError, match="empty"):
        CharacterModel(["a"]).perplexity("")


@pytest.mark.parametrize("domain", sorted(DOMAINS))
def test_the_perplexity_filter_stops_odd_triggers_and_is_blind_to_common_words(domain: str) -> None:
    odd = surprising(DOMAINS[domain])
    assert all(map(odd, texts(domain, "odd-trigger")))
    assert sum(map(odd, texts(domain, "trigger"))) <= 3
    honest = [told.text for n in range(5) for told in scene(DOMAINS[domain], f"new {n}").memory]
    assert sum(map(odd, honest)) / len(honest) < 0.05


def test_the_content_scan_knows_orders_and_destructive_verbs_and_nothing_of_truth() -> None:
    assert sum(map(bool, map(SUSPECT.search, texts("health", "trigger")))) >= 10
    assert all(map(SUSPECT.search, texts("household", "order")))
    assert not any(map(SUSPECT.search, texts("questions", "trigger")))
    assert not any(map(SUSPECT.search, texts("household", "trigger", twin=True)))
