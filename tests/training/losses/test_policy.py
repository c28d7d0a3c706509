import math
from functools import partial

import pytest

torch = pytest.importorskip("torch")

from symposia.training.losses import (  # noqa: E402
    Clip,
    clip_cov_weights,
    importance_weights,
    policy_loss,
    positive_nll_loss,
    sequence_mean,
    token_mean,
)

ON = torch.ones(1, 1)


def one(ratio, advantage, **options):
    """The loss of one token and its gradient with respect to the token's log-probability."""
    logprobs = torch.tensor([[math.log(ratio)]], dtype=torch.float64, requires_grad=True)
    loss, measures = policy_loss(
        logprobs, torch.zeros(1, 1), torch.tensor([[advantage]]), ON, **options
    )
    loss.backward()
    return loss.item(), logprobs.grad.item(), measures


@pytest.mark.parametrize(
    ("ratio", "advantage", "loss", "gradient", "stopped"),
    [
        (1.0, 2.0, -2.0, -2.0, None),
        (1.5, 1.0, -1.2, 0.0, "clip_high"),
        (1.5, -1.0, 1.5, 1.5, None),
        (0.5, 1.0, -0.5, -0.5, None),
        (0.5, -1.0, 0.8, 0.0, "clip_low"),
    ],
)
def test_the_clip_stops_what_has_gone_far_enough(ratio, advantage, loss, gradient, stopped):
    found, slope, measures = one(ratio, advantage)
    assert found == pytest.approx(loss)
    assert slope == pytest.approx(gradient)
    shares = {name: measures[name].item() for name in ("clip_low", "clip_high", "clip_dual")}
    assert shares == {name: float(name == stopped) for name in shares}


def test_a_higher_clip_lets_unlikely_tokens_rise_further():
    assert one(1.25, 1.0, clip=Clip(0.2, 0.28))[:2] == pytest.approx((-1.25, -1.25))


def test_a_dual_clip_bounds_what_a_bad_token_costs():
    found, slope, measures = one(5.0, -1.0, clip=Clip(0.2, 0.28, dual=3.0))
    assert (found, slope) == pytest.approx((3.0, 0.0))
    assert measures["clip_dual"] == 1
    assert one(5.0, -1.0, clip=Clip(0.2, 0.28))[:2] == pytest.approx((5.0, 5.0))


def test_without_a_clip_the_ratio_stands():
    assert one(1.5, 1.0, clip=None)[:2] == pytest.approx((-1.5, -1.5))


def test_a_sentence_level_clip_gives_the_losses_of_spc():
    level = {"level": "sequence_mean", "reduce": sequence_mean}
    logprobs = torch.full((1, 4), math.log(1.5))
    for reward, expected in ((-1.0, 1.5), (1.0, -1.2)):
        loss, _ = policy_loss(
            logprobs, torch.zeros(1, 4), torch.full((1, 4), reward), torch.ones(1, 4), **level
        )
        assert loss.item() == pytest.approx(expected)


def test_the_ratio_of_a_row_is_the_product_of_its_tokens():
    logprobs = torch.tensor([[0.02, 0.03, 0.05]])
    options = {"level": "sequence", "reduce": sequence_mean}
    ones = torch.ones(1, 3)
    loss, measures = policy_loss(logprobs, torch.zeros(1, 3), ones, ones, **options)
    assert loss.item() == pytest.approx(-math.exp(0.1))
    assert measures["ratio"].item() == pytest.approx(math.exp(0.1))


def test_a_token_of_another_policy_weighs_p_over_p_plus_c():
    """Critique-GRPO's card: p 0.1 weighs 0.5, p 0.9 weighs 0.9, and f is steepest at small p."""
    logprobs = torch.tensor([[0.1, 0.9, 0.5]], dtype=torch.float64).log().requires_grad_()
    advantages = torch.tensor([[0.875, 0.875, -0.125]], dtype=torch.float64)
    off = torch.tensor([[True, True, False]])
    old = torch.tensor([[float("nan"), float("nan"), math.log(0.4)]], dtype=torch.float64)
    loss, measures = policy_loss(
        logprobs,
        old,
        advantages,
        torch.ones(1, 3),
        clip=None,
        off_policy=off,
        reduce=partial(token_mean, total=1),
    )
    assert loss.item() == pytest.approx(-0.875 * 0.5 - 0.875 * 0.9 + 0.125 * 1.25)
    assert measures["ratio"].item() == pytest.approx(1.25)  # of the policy's own token alone
    loss.backward()
    slope = -0.875 * 0.1 * 0.1 / 0.2**2
    assert logprobs.grad[0, 0].item() == pytest.approx(slope)


def test_all_zero_advantages_are_no_loss_and_no_gradient():
    logprobs = torch.randn(2, 3, requires_grad=True)
    loss, _ = policy_loss(logprobs, torch.randn(2, 3), torch.zeros(2, 3), torch.ones(2, 3))
    loss.backward()
    assert loss.item() == 0
    assert (logprobs.grad == 0).all()


@pytest.mark.parametrize("clip", [None, Clip(), Clip(dual=3.0)])
@pytest.mark.parametrize("level", ["token", "sequence", "sequence_mean"])
def test_a_policy_that_has_run_away_gives_no_nan(clip, level):
    logprobs = torch.tensor([[-0.1, -500.0]], requires_grad=True)
    old = torch.tensor([[-500.0, -0.1]])
    for sign in (1.0, -1.0):
        advantages = torch.full((1, 2), sign)
        loss, _ = policy_loss(logprobs, old, advantages, torch.ones(1, 2), clip=clip, level=level)
        (gradient,) = torch.autograd.grad(loss, logprobs)
        assert loss.isfinite()
        assert gradient.isfinite().all()


def test_constants_get_no_gradient():
    old, advantages = torch.randn(1, 2, requires_grad=True), torch.ones(1, 2, requires_grad=True)
    loss, _ = policy_loss(torch.randn(1, 2, requires_grad=True), old, advantages, torch.ones(1, 2))
    loss.backward()
    assert old.grad is None
    assert advantages.grad is None


@pytest.mark.parametrize("level", ["token", "sequence", "sequence_mean"])
@pytest.mark.parametrize("clip", [None, Clip(0.2, 0.28, dual=3.0)])
def test_the_gradient_is_that_of_the_loss(level, clip):
    generator = torch.Generator().manual_seed(3)
    old = -torch.rand(2, 4, generator=generator, dtype=torch.float64)
    start = old + torch.randn(2, 4, generator=generator, dtype=torch.float64) * 0.3
    advantages = torch.randn(2, 4, generator=generator, dtype=torch.float64)
    mask = torch.tensor([[1, 1, 0, 1], [0, 1, 1, 0]])
    off = torch.tensor([[0, 0, 0, 1], [0, 0, 1, 0]]).bool()

    def loss(logprobs):
        return policy_loss(logprobs, old, advantages, mask, clip=clip, level=level, off_policy=off)[
            0
        ]

    assert torch.autograd.gradcheck(loss, start.requires_grad_())


def test_bounds_that_cannot_hold_are_refused():
    with pytest.raises(ValueError, match=r"low is 1\.5"):
        Clip(low=1.5)
    with pytest.raises(ValueError, match=r"high is -0\.1"):
        Clip(high=-0.1)
    with pytest.raises(ValueError, match=r"dual is 1\.1; it must be above 1 \+ high = 1\.2"):
        Clip(dual=1.1)
    with pytest.raises(ValueError, match="no level 'row'"):
        one(1.0, 1.0, level="row")
    with pytest.raises(ValueError, match=r"off_policy is torch\.float32"):
        one(1.0, 1.0, off_policy=ON)
    with pytest.raises(ValueError, match=r"off_policy_constant is 0"):
        one(1.0, 1.0, off_policy=ON.bool(), off_policy_constant=0)


def test_importance_weights_cut_or_drop_the_tail():
    trainer = torch.tensor([[4.0, 0.5, 1.0, 9.0]]).log()
    mask = torch.tensor([[1, 1, 1, 0]])
    cut, measures = importance_weights(trainer, torch.zeros(1, 4), mask, cap=2.0)
    torch.testing.assert_close(cut, torch.tensor([[2.0, 0.5, 1.0, 0.0]]))
    assert measures["importance_max"].item() == pytest.approx(4.0)
    assert measures["importance_beyond"].item() == pytest.approx(1 / 3)
    assert measures["mismatch"].item() == pytest.approx((math.log(4) + math.log(2)) / 3)
    dropped, _ = importance_weights(trainer, torch.zeros(1, 4), mask, cap=2.0, beyond="drop")
    torch.testing.assert_close(dropped, torch.tensor([[0.0, 0.5, 1.0, 0.0]]))
    rows, _ = importance_weights(trainer, torch.zeros(1, 4), mask, cap=9.0, level="sequence")
    torch.testing.assert_close(rows, torch.tensor([[2.0, 2.0, 2.0, 0.0]]))


def test_importance_weights_multiply_the_loss():
    weights, _ = importance_weights(torch.tensor([[0.5]]).log(), torch.zeros(1, 1), ON, cap=2.0)
    assert one(1.0, 2.0, weights=weights)[:2] == pytest.approx((-1.0, -1.0))


def test_an_unknown_way_to_treat_the_tail_is_named():
    with pytest.raises(ValueError, match="beyond is 'clip'"):
        importance_weights(ON, ON, ON, cap=1.0, beyond="clip")
    with pytest.raises(ValueError, match="cap is 0"):
        importance_weights(ON, ON, ON, cap=0.0)


def covariances():
    """Log-probabilities and advantages; of 8 tokens the last two move together most."""
    logprobs = torch.tensor([[-4.0, -4.0, -4.0, -4.0, -4.0, -4.0, -0.1, -0.1]])
    advantages = torch.tensor([[-1.0, -1.0, -1.0, -1.0, -1.0, -1.0, 3.0, 3.0]])
    return logprobs, advantages


def draw(old=None, mask=None, seed=0, **options):
    logprobs, advantages = covariances()
    return clip_cov_weights(
        logprobs,
        logprobs if old is None else old,
        advantages,
        torch.ones(1, 8) if mask is None else mask,
        generator=torch.Generator().manual_seed(seed),
        **{"low": 2.0, "high": 40.0, "share": 0.1} | options,
    )


def test_clip_cov_leaves_out_only_tokens_in_the_band():
    # Means: log p -3.025, A 0. So the terms are 0.975 for six tokens and 8.775 for two.
    seen = set()
    for seed in range(20):
        weights, measures = draw(seed=seed)
        (place,) = (weights == 0).nonzero()[:, 1].tolist()
        assert measures["clip_cov"].item() == 1 / 8
        seen.add(place)
    assert seen == {6, 7}
    assert (draw(share=1.0)[0] == 0).nonzero()[:, 1].tolist() == [6, 7]
    assert (draw(low=9.0)[0] == 1).all()


def test_clip_cov_draws_alike_under_one_seed():
    assert torch.equal(draw(seed=5)[0], draw(seed=5)[0])


def test_clip_cov_leaves_alone_what_is_clipped_or_masked():
    logprobs, _ = covariances()
    old = logprobs.clone()
    old[0, 6] -= 1  # its ratio is e, past the clip
    assert (draw(old=old, share=1.0)[0] == 0).nonzero()[:, 1].tolist() == [7]
    mask = torch.ones(1, 8)
    mask[0, 7] = 0
    assert draw(mask=mask, share=1.0)[0][0, 7] == 1


def test_clip_cov_refuses_an_empty_band_and_a_share_that_is_none():
    with pytest.raises(ValueError, match=r"the band of covariances \(3\.0, 2\.0\) is empty"):
        draw(low=3.0, high=2.0)
    with pytest.raises(ValueError, match=r"share is 1\.5"):
        draw(share=1.5)


def test_positive_nll_touches_only_tokens_that_did_well():
    """THOR's card."""
    logprobs = torch.tensor([[-1.0, -2.0, -3.0, -7.0]], requires_grad=True)
    advantages = torch.tensor([[1.0, 0.0, 0.5, -1.0]])
    loss, measures = positive_nll_loss(logprobs, advantages, torch.ones(1, 4))
    (0.01 * loss).backward()
    assert loss.item() == 2.0
    torch.testing.assert_close(logprobs.grad, torch.tensor([[-0.005, 0.0, -0.005, 0.0]]))
    assert measures["positive"].item() == 0.5


def test_positive_nll_of_nothing_positive_is_zero():
    logprobs = torch.tensor([[-1.0, -2.0]], requires_grad=True)
    loss, _ = positive_nll_loss(logprobs, torch.zeros(1, 2), torch.ones(1, 2))
    loss.backward()
    assert loss.item() == 0
    assert (logprobs.grad == 0).all()
