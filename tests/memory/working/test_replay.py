from __future__ import annotations

from itertools import chain, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symposia.memory.working import SpacedReplay


def test_eight_items_in_four_views_come_two_an_epoch_and_all_in_four() -> None:
    replay = SpacedReplay([f"task {n}" for n in range(8)], views=4)
    shown = [replay.epoch(number) for number in range(4)]
    for epoch in shown:
        assert len(epoch) == 8
        assert len({view.item for view in epoch}) == 2
        assert [view.number for view in epoch] == [0, 1, 2, 3] * 2
        assert epoch[0].item == epoch[3].item != epoch[4].item == epoch[7].item
    items = [{view.item for view in epoch} for epoch in shown]
    assert len(set.union(*items)) == 8
    assert sum(map(len, items)) == 8, "no item comes in two epochs"


def test_the_order_changes_every_v_epochs_and_follows_from_the_seed() -> None:
    def first(seed: int) -> list[list[int]]:
        replay = SpacedReplay(range(40), views=4, seed=seed)
        return [[view.item for view in replay.epoch(n)] for n in range(8)]

    assert first(0) == first(0)
    assert first(0) != first(1)
    first_round, second_round = first(0)[:4], first(0)[4:]
    assert sorted(chain(*first_round)) == sorted(chain(*second_round))
    assert first_round != second_round


@given(st.integers(1, 6), st.integers(0, 40), st.integers(0, 5), st.integers(0, 3))
def test_every_item_comes_once_in_v_epochs_whatever_their_number(
    views: int, more: int, start: int, seed: int
) -> None:
    replay = SpacedReplay(range(views + more), views=views, seed=seed)
    shown = [v.item for n in range(views) for v in replay.epoch(start * views + n)]
    assert sorted(shown) == sorted(list(range(views + more)) * views)


def test_batches_keep_the_views_of_an_item_together() -> None:
    replay = SpacedReplay(range(14), views=2)
    batches = list(replay.batches(0, 4))
    assert [len(batch) for batch in batches] == [4, 4, 4, 2]
    for batch in batches:
        assert all(a.item == b.item for a, b in list(pairwise(batch))[::2])


def test_wrong_numbers_are_refused() -> None:
    with pytest.raises(ValueError, match="views=0"):
        SpacedReplay([1, 2], views=0)
    with pytest.raises(ValueError, match="2 items are too few for views=3"):
        SpacedReplay([1, 2], views=3)
    replay = SpacedReplay(range(8))
    with pytest.raises(ValueError, match="epoch -1"):
        replay.epoch(-1)
    for size in (0, -4, 6):
        with pytest.raises(ValueError, match=f"size={size}"):
            replay.batches(0, size)
