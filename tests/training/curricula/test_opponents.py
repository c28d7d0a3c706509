"""Which earlier version is met next."""

from __future__ import annotations

import json

import pytest

from symposia.training.curricula import OpponentRounds


def test_who_is_beaten_easily_is_followed_by_the_next_version() -> None:
    rounds = OpponentRounds()
    assert rounds.version == 0
    rounds.met(0.7, by=3)
    assert (rounds.versions, rounds.version) == ([0, 3], 3)
    rounds.met(0.5, by=4)
    assert (rounds.versions, rounds.version) == ([0, 3, 4], 3)


def test_who_is_too_strong_makes_way_for_the_version_before() -> None:
    rounds = OpponentRounds(versions=[0, 1, 2], at=1)
    rounds.met(0.2, by=3)
    assert rounds.version == 0
    rounds.met(0.2, by=4)
    assert rounds.version == 0


def test_a_version_that_plays_twice_is_kept_once() -> None:
    rounds = OpponentRounds()
    for _ in range(2):
        rounds.met(0.9, by=0)
    assert (rounds.versions, rounds.version) == ([0], 0)


def test_it_returns_from_json() -> None:
    rounds = OpponentRounds(easy=0.8)
    rounds.met(0.9, by=1)
    assert OpponentRounds.of(json.loads(json.dumps(rounds.as_json()))) == rounds
    assert OpponentRounds.of(None) == OpponentRounds()


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match=r"hard=0.7 is above easy=0.6"):
        OpponentRounds(hard=0.7)
    with pytest.raises(ValueError, match="at=1: there are 1"):
        OpponentRounds(at=1)
    with pytest.raises(ValueError, match=r"score=1\.5"):
        OpponentRounds().met(1.5, by=1)
