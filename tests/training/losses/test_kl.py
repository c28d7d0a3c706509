import math

import pytest

torch = pytest.importorskip("torch")

from symposia.training.losses import (  # noqa: E402
    at_last_token,
    kl_in_reward,
    kl_loss,
    kl_per_token,
)


@pytest.mark.parametrize(
    ("estimator", "value", "slope"),
    [("k1", 0.5, 1.0), ("k2", 0.125, 0.5), ("k3", math.exp(-0.5) - 0.5, 1 - math.exp(-0.5))],
)
def test_each_estimator_is_its_formula(estimator, value, slope):
    logprobs = torch.tensor([[-1.0]], dtype=torch.float64, requires_grad=True)
    loss, measures = kl_loss(
        logprobs, logprobs.detach() - 0.5, torch.ones(1, 1), estimator=estimator
    )
    loss.backward()
    assert loss.item() == pytest.approx(value)
    assert measures["kl"].item() == pytest.approx(value)
    assert logprobs.grad.item() == pytest.approx(slope)


@pytest.mark.parametrize("estimator", ["k1", "k3"])
def test_the_mean_over_the_policy_s_samples_is_the_divergence(estimator):
    policy, reference = torch.tensor([0.7, 0.2, 0.1]), torch.tensor([0.4, 0.4, 0.2])
    estimates = kl_per_token(policy.log(), reference.log(), estimator)
    exact = (policy * (policy / reference).log()).sum()
    assert (policy * estimates).sum().item() == pytest.approx(exact.item())


def test_the_gradient_of_k2_is_that_of_the_divergence_and_k1_has_none():
    logits = torch.tensor([0.3, -0.2, 0.5], dtype=torch.float64, requires_grad=True)
    reference = torch.tensor([0.4, 0.4, 0.2], dtype=torch.float64).log()
    logprobs = logits.log_softmax(-1)
    policy = logprobs.exp().detach()
    exact = (logprobs.exp() * (logprobs - reference)).sum()
    (wanted,) = torch.autograd.grad(exact, logits, retain_graph=True)
    slopes = {}
    for estimator in ("k1", "k2"):
        expected = (policy * kl_per_token(logprobs, reference, estimator)).sum()
        (slopes[estimator],) = torch.autograd.grad(expected, logits, retain_graph=True)
    torch.testing.assert_close(slopes["k2"], wanted)
    torch.testing.assert_close(slopes["k1"], torch.zeros_like(wanted), atol=1e-12, rtol=0)


def test_an_anchor_on_the_policy_itself_pulls_nowhere():
    """SCoRe's card: at the base model the first turn's gradient is zero."""
    logprobs = torch.randn(2, 3, requires_grad=True)
    loss, _ = kl_loss(logprobs, logprobs.detach(), torch.ones(2, 3))
    loss.backward()
    assert loss.item() == 0
    assert (logprobs.grad == 0).all()


def test_a_policy_far_from_its_reference_costs_much_and_never_nan():
    logprobs = torch.tensor([[-900.0, -0.1]], requires_grad=True)
    loss, _ = kl_loss(logprobs, torch.tensor([[-0.1, -900.0]]), torch.ones(1, 2))
    loss.backward()
    assert loss.isfinite()
    assert logprobs.grad.isfinite().all()


def test_rewards_stand_on_the_last_trained_token():
    mask = torch.tensor([[0, 1, 1, 0], [1, 0, 0, 0], [0, 0, 0, 0]])
    placed = at_last_token(torch.tensor([2.0, -1.0, 5.0]), mask)
    expected = torch.tensor([[0.0, 0, 2, 0], [-1, 0, 0, 0], [0, 0, 0, 0]])
    torch.testing.assert_close(placed, expected)


def test_a_reward_pays_for_every_nat_away_from_the_reference():
    mask = torch.tensor([[0, 1, 1, 1, 0]])
    logprobs = torch.tensor([[float("nan"), -1.0, -2.0, -3.0, 0.0]], requires_grad=True)
    reference = torch.tensor([[0.0, -1.5, -1.0, -3.0, float("inf")]])
    left, measures = kl_in_reward(
        at_last_token(torch.tensor([1.0]), mask), logprobs, reference, mask, coefficient=0.1
    )
    torch.testing.assert_close(left, torch.tensor([[0.0, -0.05, 0.1, 1.0, 0.0]]))
    assert measures["kl"].item() == pytest.approx(-0.5 / 3)
    assert not left.requires_grad


def test_what_cannot_be_is_named():
    ones = torch.ones(1, 2)
    with pytest.raises(ValueError, match="no KL estimator 'k4'; there are k1, k2 and k3"):
        kl_loss(ones, ones, ones, estimator="k4")
    with pytest.raises(ValueError, match=r"coefficient is -0\.1"):
        kl_in_reward(ones, ones, ones, ones, coefficient=-0.1)
    with pytest.raises(ValueError, match=r"rewards have shape \(2,\) for 1 rows"):
        at_last_token(torch.ones(2), ones)
    with pytest.raises(ValueError, match=r"rewards holds nan at \[0, 1\]"):
        at_last_token(torch.tensor([float("nan")]), ones)
