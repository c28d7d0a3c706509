from __future__ import annotations

import pytest
import torch

from symposia.training.advantages import token_returns
from symposia.training.trainer import Batch, PolicyGradient

OLD = torch.tensor([[-1.0, -2.0, -0.5], [-1.5, -1.0, 0.0]])
REFERENCE = torch.tensor([[-1.2, -1.5, -0.5], [-1.5, -3.0, 0.0]])
MASK = torch.tensor([[True, True, True], [True, True, False]])


def batch(advantages: torch.Tensor) -> Batch:
    return Batch(
        loss_mask=MASK,
        advantages=advantages,
        old_logprobs=OLD,
        sampler_logprobs=OLD,
        off_policy=torch.zeros_like(MASK),
        reference_logprobs=REFERENCE,
        sampled=torch.tensor([True, True]),
        extras=({}, {}),
    )


def test_what_a_token_answers_for_is_its_advantage_less_the_kl_from_there_on() -> None:
    kls = [[0.2, -0.5, 0.0], [0.0, 2.0]]
    expected = token_returns([1.0, -1.0], kls, beta=0.1)
    assert expected[0] == pytest.approx([1.03, 1.05, 1.0]) and expected[1][0] == pytest.approx(-1.2)
    paid = torch.tensor([expected[0], [*expected[1], 0.0]])
    flat = torch.tensor([[1.0] * 3, [-1.0, -1.0, 0.0]])
    inside = PolicyGradient(kl=0.1, kl_in="reward", estimator="k1")
    loss, measures = inside(OLD, batch(flat))
    plain, _ = PolicyGradient()(OLD, batch(paid))
    assert loss.item() == pytest.approx(plain.item())
    assert measures["kl"].item() == pytest.approx(1.7 / 5)


def test_a_place_for_the_kl_has_to_exist_and_to_have_a_coefficient() -> None:
    with pytest.raises(ValueError, match="kl_in='advantage': there are loss and reward"):
        PolicyGradient(kl=0.1, kl_in="advantage")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="takes off nothing: set kl"):
        PolicyGradient(kl_in="reward")
