"""What holds of every loss over tokens: masks, order of rows, and bad tensors."""

from functools import partial

import pytest

torch = pytest.importorskip("torch")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from symposia.training.losses import (  # noqa: E402
    Clip,
    Completions,
    constant_length,
    kl_loss,
    nft_loss,
    policy_loss,
    positive_nll_loss,
    preference_loss,
    sequence_mean,
    sequence_sum,
    sum_to_return_loss,
    supervised_loss,
    token_mean,
    value_loss,
)

REDUCTIONS = [token_mean, sequence_mean, sequence_sum, partial(constant_length, length=9)]


def policy(logprobs, other, advantages, mask, **options):
    return policy_loss(logprobs, other, advantages, mask, **options)


def mixed(logprobs, other, advantages, mask):
    return policy_loss(logprobs, other, advantages, mask, off_policy=advantages > 0.5)


def answers(logprobs, other, advantages, mask):
    right = other[:, 0].nan_to_num(0.0) > -1
    share = torch.full((len(mask),), 0.25, dtype=logprobs.dtype)
    return nft_loss(logprobs, other, right, share, mask, floor=0.1)


def pairs(logprobs, other, advantages, mask, kind="dpo"):
    """Each row against a worse one that stays as it is."""
    reference = None if kind in ("simpo", "cpo", "orpo") else other
    stays = torch.full((len(mask), 2), -1.5, dtype=logprobs.dtype)
    beside = None if reference is None else stays + 0.1
    worse = Completions(stays, torch.ones_like(stays), beside)
    return preference_loss(Completions(logprobs, mask, reference), worse, kind=kind)


LOSSES = {
    "policy": policy,
    "policy unclipped": partial(policy, clip=None),
    "policy dual": partial(policy, clip=Clip(0.1, 0.2, dual=1.5)),
    "policy by rows": partial(policy, level="sequence_mean", reduce=sequence_mean),
    "policy of rows": partial(policy, level="sequence", reduce=sequence_mean),
    "policy constant": partial(policy, reduce=REDUCTIONS[3]),
    "off policy": mixed,
    "kl k1": lambda p, o, a, m: kl_loss(p, o, m, estimator="k1"),
    "kl k2": lambda p, o, a, m: kl_loss(p, o, m, estimator="k2"),
    "kl k3": lambda p, o, a, m: kl_loss(p, o, m, estimator="k3", reduce=sequence_sum),
    "nft": answers,
    "positive": lambda p, o, a, m: positive_nll_loss(p, a, m),
    "supervised": lambda p, o, a, m: supervised_loss(p, m),
    "value": lambda p, o, a, m: value_loss(p, a, m, old_values=o, clip=0.2),
    "dpo": pairs,
    "ipo": partial(pairs, kind="ipo"),
    "simpo": partial(pairs, kind="simpo"),
    "orpo": partial(pairs, kind="orpo"),
}
SHAPES = st.tuples(st.integers(1, 4), st.integers(1, 6), st.integers(0, 2**16))


def batch(rows, tokens, seed):
    generator = torch.Generator().manual_seed(seed)
    logprobs = -torch.rand(rows, tokens, generator=generator, dtype=torch.float64) * 3 - 0.01
    other = logprobs + torch.randn(rows, tokens, generator=generator, dtype=torch.float64) * 0.4
    advantages = torch.randn(rows, tokens, generator=generator, dtype=torch.float64)
    mask = torch.rand(rows, tokens, generator=generator) < 0.6
    mask[:, 0] = True
    return logprobs.requires_grad_(), other, advantages, mask


@pytest.mark.parametrize("name", LOSSES)
@settings(max_examples=20, deadline=None)
@given(SHAPES, st.sampled_from([0.0, -50.0, float("nan"), float("inf"), float("-inf")]))
def test_a_masked_token_changes_nothing_and_gets_no_gradient(name, shape, rubbish):
    logprobs, other, advantages, mask = batch(*shape)
    loss, measures = LOSSES[name](logprobs, other, advantages, mask)
    (gradient,) = torch.autograd.grad(loss, logprobs)
    assert (gradient[~mask] == 0).all()
    assert gradient.isfinite().all()

    spoiled = [t.detach().masked_fill(~mask, rubbish) for t in (logprobs, other, advantages)]
    again, told = LOSSES[name](spoiled[0].requires_grad_(), *spoiled[1:], mask)
    (same,) = torch.autograd.grad(again, spoiled[0])
    assert again.item() == loss.item()
    assert torch.equal(same, gradient)
    assert {key: value.item() for key, value in told.items()} == {
        key: value.item() for key, value in measures.items()
    }


@pytest.mark.parametrize("name", LOSSES)
@settings(max_examples=15, deadline=None)
@given(SHAPES, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(name, shape, random):
    tensors = batch(*shape)
    order = list(range(shape[0]))
    random.shuffle(order)
    loss, _ = LOSSES[name](*tensors)
    again, _ = LOSSES[name](*(tensor[order] for tensor in tensors))
    torch.testing.assert_close(again, loss)


@pytest.mark.parametrize("name", LOSSES)
def test_a_column_of_padding_changes_nothing(name):
    tensors = batch(3, 4, 2)
    loss, _ = LOSSES[name](*tensors)
    wider, _ = LOSSES[name](*(torch.nn.functional.pad(tensor, (0, 3)) for tensor in tensors))
    torch.testing.assert_close(wider, loss)


@pytest.mark.parametrize("name", LOSSES)
def test_measures_are_detached_scalars(name):
    _, measures = LOSSES[name](*batch(3, 4, 0))
    assert measures
    for value in measures.values():
        assert value.shape == ()
        assert not value.requires_grad


@pytest.mark.parametrize("name", LOSSES)
def test_integers_and_half_precision_are_widened(name):
    logprobs, other, advantages, mask = batch(2, 3, 1)
    half = [tensor.detach().bfloat16() for tensor in (logprobs, other, advantages)]
    loss, _ = LOSSES[name](*half, mask.long())
    assert loss.dtype == torch.float32


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf")])
def test_a_trained_value_that_is_not_finite_is_named(name, bad):
    logprobs, other, advantages, mask = batch(2, 3, 1)
    spoiled = logprobs.detach().clone()
    spoiled[1, 0] = bad
    with pytest.raises(ValueError, match=rf"holds {bad} at \[1, 0\]"):
        LOSSES[name](spoiled, other, advantages, mask)


@pytest.mark.parametrize("name", LOSSES)
def test_tensors_that_do_not_fit_are_named(name):
    logprobs, other, advantages, mask = batch(2, 3, 1)
    with pytest.raises(ValueError, match=r"has shape \(2, 2\)"):
        LOSSES[name](logprobs[:, :2], other, advantages, mask)
    with pytest.raises(ValueError, match="nothing to"):
        LOSSES[name](logprobs, other, advantages, torch.zeros_like(mask))
    with pytest.raises(ValueError, match=r"mask holds 0\.5; a mask is 0 or 1"):
        LOSSES[name](logprobs, other, advantages, mask * 0.5)
    with pytest.raises(ValueError, match=r"has shape \(2,\); a mask is \(rows, tokens\)"):
        LOSSES[name](logprobs, other, advantages, mask[:, 0])


def test_a_sum_to_a_return_leaves_the_other_positions_alone():
    contributions = torch.tensor([[0.2, float("nan"), 0.3, 0.5]], requires_grad=True)
    mask = torch.tensor([[1, 0, 1, 1]])
    loss, _ = sum_to_return_loss(contributions, torch.tensor([0.0]), mask)
    loss.backward()
    torch.testing.assert_close(contributions.grad, torch.tensor([[2.0, 0.0, 2.0, 2.0]]))
