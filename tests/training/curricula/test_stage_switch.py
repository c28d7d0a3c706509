from __future__ import annotations

import pytest

from symposia.training.curricula import StageSwitch
from symposia.training.loop import Stage


def at(iteration: int) -> Stage:
    return Stage(iteration, 10, (), 1, 0)


def test_the_stage_that_began_last_is_in_force() -> None:
    switch = StageSwitch({0: "judge", 500: "help"})
    assert [switch(at(i)) for i in (0, 499, 500, 900)] == ["judge", "judge", "help", "help"]
    assert [switch.began(at(i)) for i in (0, 499, 500, 900)] == [0, 0, 500, 500]


def test_a_switch_without_a_first_stage_is_refused() -> None:
    with pytest.raises(ValueError, match=r"stages begin at \[3\]"):
        StageSwitch({3: "help"})
