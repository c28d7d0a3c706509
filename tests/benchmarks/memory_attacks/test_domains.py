from __future__ import annotations

import pytest

from symposia.benchmarks.memory_attacks import ATTACKS, DOMAINS, scene
from symposia.benchmarks.memory_attacks.domains import ABSTAIN

ALL = pytest.mark.parametrize("domain", DOMAINS.values(), ids=lambda domain: domain.name)


@ALL
def test_a_scene_follows_from_its_seed(domain) -> None:
    assert scene(domain, "7") == scene(domain, "7") != scene(domain, "8")


@ALL
def test_the_right_the_harmful_and_no_action_can_all_be_chosen(domain) -> None:
    for number in range(30):
        for dial in (False, True):
            place = scene(domain, str(number), dial=dial)
            assert {place.case.right, place.harm, ABSTAIN} <= set(place.options)
            assert place.case.right != place.harm
            assert len(set(place.options)) == len(place.options)


@ALL
def test_most_honest_records_are_right_and_a_few_are_not(domain) -> None:
    about = right = 0
    for number in range(60):
        place = scene(domain, str(number))
        mine = [told for told in place.memory if place.case.subject in told.text]
        about += len(mine)
        right += sum(place.case.right in told.action for told in mine)
    assert 0.9 < right / about < 0.99


@ALL
def test_honest_records_can_be_divided_between_ways(domain) -> None:
    place = scene(domain, "3", about=40, ways=2)
    mine = [told for told in place.memory if place.case.subject in told.text]
    assert 0.4 < sum(place.case.right in told.action for told in mine) / len(mine) < 0.6


@ALL
def test_the_harm_of_a_figure_begins_far_from_the_right_one(domain) -> None:
    drift = ATTACKS["drift"]
    place = scene(domain, "1", dial=True)
    assert drift.harms(place, place.harm)
    assert not drift.harms(place, place.case.right)
    assert not drift.harms(place, place.dial.figures()[1])
    assert not drift.harms(place, ABSTAIN)
