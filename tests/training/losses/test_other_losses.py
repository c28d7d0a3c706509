"""NFT, supervised and value losses: what their cards say."""

import math

import pytest

torch = pytest.importorskip("torch")

from symposia.training.losses import (  # noqa: E402
    nft_loss,
    sequence_sum,
    sum_to_return_loss,
    supervised_loss,
    value_loss,
)

TWO = torch.ones(2, 1)
RIGHT = torch.tensor([True, False])


def nft(ratio=1.0, share=0.25, right=RIGHT, **options):
    """The losses' sum over a right and a wrong token, and the gradient of each by its ratio."""
    logprobs = torch.full((2, 1), math.log(ratio), dtype=torch.float64, requires_grad=True)
    shares = torch.tensor([share, share], dtype=torch.float64)
    old = torch.zeros(2, 1, dtype=torch.float64)
    mean, measures = nft_loss(logprobs, old, right, shares, TWO, **options)
    (2 * mean).backward()
    return 2 * mean.item(), (logprobs.grad[:, 0] / ratio).tolist(), measures


@pytest.mark.parametrize(
    ("weight", "slopes"),
    [("dr_grpo", (-0.75, 0.25)), ("grpo", (-1.732, 0.577)), ("none", (-1.0, 1 / 3))],
)
def test_nft_on_its_own_samples_has_the_gradients_of_grpo(weight, slopes):
    loss, found, _ = nft(prompt_weight=weight)
    assert loss == 0
    assert found == pytest.approx(slopes, abs=1e-3)


def test_nft_learns_from_wrong_answers_as_much_as_it_is_told():
    assert nft(negative_weight=0.0)[1] == pytest.approx((-0.75, 0.0))


def test_nft_holds_the_value_at_the_floor_and_lets_the_gradient_pass():
    loss, slopes, measures = nft(ratio=1.2, prompt_weight="none")
    assert loss == pytest.approx(-math.log(1.2))  # the wrong token's part is log 1
    assert slopes[1] == pytest.approx(1 / 3)
    assert measures["floored"] == 1
    loss, slopes, _ = nft(ratio=1.2, prompt_weight="none", floor=0.1)
    implied = (1 - 0.25 * 1.2) / 0.75
    assert loss == pytest.approx(-math.log(1.2) - math.log(implied))
    assert slopes[1] == pytest.approx(1 / 3 / implied)


def test_nft_keeps_the_share_away_from_its_ends():
    assert nft(share=1.0, prompt_weight="none")[1][1] == pytest.approx(0.98 / 0.02)
    assert nft(share=0.0)[1][0] == pytest.approx(-0.98)


def test_nft_of_a_runaway_ratio_is_finite():
    loss, slopes, _ = nft(ratio=math.exp(50))
    assert math.isfinite(loss)
    assert all(map(math.isfinite, slopes))


def test_nft_refuses_what_is_no_share_or_verdict():
    with pytest.raises(ValueError, match=r"share_right holds 1\.5"):
        nft(share=1.5)
    with pytest.raises(ValueError, match=r"share_right holds nan at \[0\]"):
        nft(share=float("nan"))
    with pytest.raises(ValueError, match=r"right is torch\.float32"):
        nft(right=RIGHT.float())
    with pytest.raises(ValueError, match="prompt_weight is 'half'"):
        nft(prompt_weight="half")
    with pytest.raises(ValueError, match="floor is 0"):
        nft(floor=0.0)


def test_supervised_loss_is_the_nll_of_the_targets_alone():
    """S3c-Math's card: of [p1 p2 | w1 w2 | r1 | c1 | s1] the wrong step w1 w2 is not trained."""
    logprobs = torch.tensor([[-1.0, -1.0, -9.0, -9.0, -2.0, -3.0, -4.0]], requires_grad=True)
    mask = torch.tensor([[1, 1, 0, 0, 1, 1, 1]])
    loss, measures = supervised_loss(logprobs, mask)
    loss.backward()
    assert loss.item() == pytest.approx(11 / 5)
    torch.testing.assert_close(logprobs.grad, -mask / 5)
    assert measures["nll"].item() == loss.item()


def test_weights_scale_tokens_and_not_the_divisor():
    """CodeRL's card: a failed test against a compile error, at probability 0.8, weighs 0.56."""
    logprobs = torch.tensor([[-1.0, -1.0]], requires_grad=True)
    loss, _ = supervised_loss(
        logprobs, torch.ones(1, 2), weights=torch.tensor([[0.56, 0.0]]), reduce=sequence_sum
    )
    loss.backward()
    torch.testing.assert_close(logprobs.grad, torch.tensor([[-0.56, 0.0]]))


def test_a_value_is_pulled_to_its_return():
    values = torch.tensor([[1.0, 3.0]], requires_grad=True)
    loss, measures = value_loss(values, torch.tensor([[0.0, 1.0]]), torch.ones(1, 2))
    loss.backward()
    assert loss.item() == pytest.approx((1 + 4) / 2 / 2)
    torch.testing.assert_close(values.grad, torch.tensor([[0.5, 1.0]]))
    assert measures["value_error"].item() == 1.5
    assert measures["explained"].item() == pytest.approx(0.0)


def test_a_clipped_value_that_moved_far_is_not_pulled_further():
    returns, old = torch.tensor([[1.0]]), torch.tensor([[0.0]])
    for start, expected, slope in ((0.5, 0.32, 0.0), (-0.5, 1.125, -1.5), (0.1, 0.405, -0.9)):
        values = torch.tensor([[start]], requires_grad=True)
        loss, _ = value_loss(values, returns, torch.ones(1, 1), old_values=old, clip=0.2)
        loss.backward()
        assert loss.item() == pytest.approx(expected)
        assert values.grad.item() == pytest.approx(slope)


def test_a_clip_and_old_values_go_together():
    one = torch.ones(1, 1)
    with pytest.raises(ValueError, match="clip is None: it goes together with old_values"):
        value_loss(one, one, one, old_values=one)
    with pytest.raises(ValueError, match=r"clip is 0\.2"):
        value_loss(one, one, one, clip=0.2)


def test_contributions_add_up_to_the_return():
    """SPA-RL's card."""
    contributions = torch.tensor([[0.2, 0.3, 0.5], [0.2, 0.3, 0.5]])
    mask = torch.ones(2, 3)
    assert sum_to_return_loss(contributions, torch.tensor([1.0, 1.0]), mask)[0].item() < 1e-12
    loss, measures = sum_to_return_loss(contributions, torch.tensor([1.0, 0.0]), mask)
    assert loss.item() == pytest.approx(0.5)
    assert measures["value_error"].item() == pytest.approx(0.5)
    with pytest.raises(ValueError, match="row 1 of turn_mask has no turn"):
        sum_to_return_loss(contributions, torch.ones(2), torch.tensor([[1, 0, 0], [0, 0, 0]]))
