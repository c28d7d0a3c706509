"""The index that goes from exact to approximate as it grows."""

from __future__ import annotations

import random

import numpy as np

from symposia.memory.meanings import Meanings


def test_past_its_limit_it_is_approximate_and_misses_hardly_anything() -> None:
    numbers = np.random.default_rng(1)
    draw = random.Random(1)
    held: dict[str, np.ndarray] = {}
    index = Meanings(exact=1000)
    for step in range(4000):  # goes past the limit while adding, replacing and removing
        key = str(draw.randrange(2500))
        if draw.random() < 0.25:
            assert index.remove(key) == (held.pop(key, None) is not None)
        else:
            vector = numbers.standard_normal(32).astype(np.float32)
            held[key] = vector / np.linalg.norm(vector)
            index.add(key, held[key])
        if step == 3000:
            index.wait()
    assert index.approximate
    assert len(index) == len(held)
    keys, matrix = list(held), np.stack(list(held.values()))
    hits = 0
    for query in numbers.standard_normal((50, 32)):
        found = [key for key, _ in index.search(query, 10)]
        assert set(found) <= set(held)
        true = [keys[i] for i in np.argsort(-(matrix @ query))[:10]]
        hits += len(set(found) & set(true))
    assert hits / 500 >= 0.95


def test_below_its_limit_it_is_exact() -> None:
    index = Meanings(exact=10)
    for i in range(10):
        index.add(str(i), [1.0, float(i)])
    index.wait()
    assert not index.approximate
    assert [key for key, _ in index.search([0.0, 1.0], 2)] == ["9", "8"]
