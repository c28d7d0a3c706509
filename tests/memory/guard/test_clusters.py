from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symposia.memory.guard.clusters import NOISE, dbscan, distances, largest

numbers = st.integers(-3, 3).map(float)
vectors = st.integers(1, 3).flatmap(
    lambda width: st.lists(st.lists(numbers, min_size=width, max_size=width), max_size=9)
)


def distance(a: list[float], b: list[float]) -> float:
    lengths = math.hypot(*a) * math.hypot(*b)
    return 1 - sum(x * y for x, y in zip(a, b)) / lengths if lengths else 1.0


@given(vectors, st.sampled_from([0.1, 0.4, 0.5, 0.9]), st.integers(1, 4))
def test_clusters_are_those_of_the_definition(
    points: list[list[float]], eps: float, least: int
) -> None:
    labels = dbscan(distances(points), eps, least) if points else []
    everyone = range(len(points))
    near = [{b for b in everyone if distance(points[a], points[b]) <= eps + 1e-9} for a in everyone]
    cores = {a for a in everyone if len(near[a]) >= least}
    for a in everyone:
        if a in cores:
            reached, open_ = {a}, [a]
            while open_:  # density-reachable cores
                for b in near[open_.pop()] & cores - reached:
                    reached.add(b)
                    open_.append(b)
            assert labels[a] != NOISE
            assert {b for b in cores if labels[b] == labels[a]} == reached
        else:
            beside = {labels[b] for b in near[a] & cores}
            assert labels[a] in beside if beside else labels[a] == NOISE


@pytest.mark.parametrize(
    ("labels", "members"),
    [
        ([], set()),
        ([NOISE, NOISE], set()),
        ([0, 0, NOISE, 1, 1, 1], {3, 4, 5}),
        ([0, 0, 1, 1, NOISE], set()),
        ([0], {0}),
    ],
)
def test_the_largest_cluster_is_the_consensus_unless_two_are(
    labels: list[int], members: set[int]
) -> None:
    assert largest(labels) == members


def test_vectors_of_zeros_are_alone() -> None:
    assert dbscan(distances([[0.0, 0.0], [0.0, 0.0]]), 0.5, 2) == [NOISE, NOISE]
