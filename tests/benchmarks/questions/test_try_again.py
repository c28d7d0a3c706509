from __future__ import annotations

from typing import Any

import pytest

from symposia import make_environment
from symposia.benchmarks.questions.try_again import AGAIN


def world(**options: Any) -> Any:
    return make_environment("try-again", size=2, **options)


def test_a_wrong_answer_is_answered_by_one_line_and_a_right_one_ends_it() -> None:
    asks = world()
    (task, _) = asks.tasks("test")
    assert asks.reset(task).text == task.prompt
    for _ in range(2):
        seen = asks.step("-1")
        assert (seen.text, seen.reward, seen.done) == (AGAIN, 0, False)
    seen = asks.step(str(task.reference))
    assert (seen.reward, seen.done, seen.info["won"], seen.info["attempts"]) == (1, True, True, 3)


def test_after_so_many_attempts_it_ends() -> None:
    asks = world(attempts=2, line="No.")
    asks.reset(asks.tasks("train")[0])
    assert asks.step("-1").text == "No."
    seen = asks.step("-1")
    assert (seen.reward, seen.done, seen.info["won"]) == (0, True, False)
    assert asks.step("-1").info == {"valid": False}


def test_a_copy_and_a_snapshot_have_attempts_of_their_own() -> None:
    asks = world(attempts=2)
    task = asks.tasks("test")[0]
    asks.reset(task)
    kept = asks.snapshot()
    twin = asks.fork()
    asks.step("-1")
    asks.restore(kept)
    assert asks.step("-1").done is False
    twin.reset(task)
    assert twin.step("-1").done is False and asks.step("-1").done is True


def test_only_questions_can_be_asked_again() -> None:
    with pytest.raises(ValueError, match="of='textcraft': it is no environment of questions"):
        make_environment("try-again", of="textcraft")
    with pytest.raises(ValueError, match="attempts=0"):
        world(attempts=0)
    assert world(seed=3).options == {
        "of": "arithmetic",
        "attempts": 5,
        "line": AGAIN,
        "size": 2,
        "seed": 3,
    }
