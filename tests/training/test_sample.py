from __future__ import annotations

import math
import subprocess
import sys
from typing import Any

import pytest

from symposia.training import PreferencePair, Row, Sample

WHOLE: dict[str, Any] = {
    "ids": (1, 2),
    "loss_mask": (False, True),
    "advantages": (0.0, 1.0),
    "old_logprobs": (0.0, -0.5),
    "off_policy": (False, False),
}


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"loss_mask": (True,)}, "1 marks in the loss mask, but 2 tokens"),
        ({"loss_mask": (False, False)}, "leaves nothing to train"),
        ({"advantages": (0.0,)}, "1 advantages, but 2 tokens"),
        ({"advantages": (0.0, math.nan)}, "advantage 1 is nan"),
        ({"old_logprobs": (0.0, -math.inf)}, "old log-probability 1 is -inf"),
        ({"old_logprobs": ()}, "0 old log-probabilities, but 2 tokens"),
        ({"off_policy": (True,)}, "1 off-policy marks, but 2 tokens"),
        ({"reference_logprobs": (0.0,)}, "1 reference log-probabilities, but 2 tokens"),
        ({"reference_logprobs": (0.0, math.nan)}, "reference log-probability 1 is nan"),
    ],
)
def test_a_sample_that_would_spoil_a_policy_is_refused(
    changed: dict[str, Any], message: str
) -> None:
    assert Sample(**WHOLE).trained == 1
    with pytest.raises(ValueError, match=message):
        Sample(**{**WHOLE, **changed})


def test_a_supervised_row_has_targets() -> None:
    with pytest.raises(ValueError, match="leaves nothing to train"):
        Row((1, 2), (False, False))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"rejected_ids": ()}, "the rejected completion has no tokens"),
        ({"rejected_ids": (2,)}, "the same tokens"),
        ({"chosen_reference": (0.0, 0.0)}, "2 chosen log-probabilities, but 1 tokens"),
        ({"margin": math.nan}, "margin 0 is nan"),
    ],
)
def test_a_pair_has_two_different_completions(changed: dict[str, Any], message: str) -> None:
    whole: dict[str, Any] = {"prompt_ids": (1,), "chosen_ids": (2,), "rejected_ids": (3,)}
    PreferencePair(**whole)
    with pytest.raises(ValueError, match=message):
        PreferencePair(**{**whole, **changed})


def test_rows_rewards_and_advantages_need_no_engine() -> None:
    code = (
        "import sys; from symposia.training import samples; "
        "from symposia.training.rewards import comas; "
        "from symposia.training.advantages import grpo; "
        "print(*({'torch', 'transformers', 'langgraph', 'numpy'} & set(sys.modules)))"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).split() == []
