from functools import partial

import pytest

torch = pytest.importorskip("torch")

from hypothesis import given  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from symposia.training.losses import (  # noqa: E402
    constant_length,
    sequence_mean,
    sequence_sum,
    token_mean,
)

LOSSES = torch.tensor([[3.0, 9.0, 9.0], [0.0, 0.0, 0.0]])
MASK = torch.tensor([[True, False, False], [True, True, True]])


def test_a_token_mean_lets_every_token_count_alike():
    assert token_mean(LOSSES, MASK).item() == 0.75  # DemyAgent's card: not 1.5


def test_a_sequence_mean_lets_every_row_count_alike():
    assert sequence_mean(LOSSES, MASK).item() == 1.5


def test_a_constant_length_divides_every_row_by_the_same():
    assert sequence_sum(LOSSES, MASK).item() == 1.5
    assert constant_length(LOSSES, MASK, length=6).item() == 0.25


@pytest.mark.parametrize(
    ("reduce", "whole"),
    [
        (token_mean, 6),
        (sequence_mean, 3),
        (sequence_sum, 3),
        (partial(constant_length, length=4), 3),
    ],
)
def test_micro_batches_with_the_total_of_the_update_add_up_to_one_batch(reduce, whole):
    losses = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]])
    mask = torch.tensor([[1, 1, 1], [1, 0, 0], [0, 1, 1]]).bool()
    parts = [reduce(losses[i : i + 1], mask[i : i + 1], total=whole) for i in range(3)]
    assert sum(parts).item() == pytest.approx(reduce(losses, mask).item())


@given(st.integers(1, 4), st.integers(1, 4), st.integers(0, 2**16))
def test_a_row_of_padding_changes_no_reduction(rows, padding, seed):
    generator = torch.Generator().manual_seed(seed)
    losses = torch.randn(rows + padding, 5, generator=generator, dtype=torch.float64)
    mask = torch.rand(rows + padding, 5, generator=generator) < 0.6
    mask[0, 0] = True
    mask[rows:] = False
    for reduce in (token_mean, sequence_mean, sequence_sum, partial(constant_length, length=7)):
        alone = reduce(losses[:rows], mask[:rows])
        torch.testing.assert_close(reduce(losses, mask), alone)


@pytest.mark.parametrize("length", [0, -1, float("nan"), float("inf")])
def test_a_length_that_cannot_divide_is_named(length):
    with pytest.raises(ValueError, match=f"length is {length}"):
        constant_length(LOSSES, MASK, length=length)
    with pytest.raises(ValueError, match=f"total is {length}"):
        token_mean(LOSSES, MASK, total=length)
