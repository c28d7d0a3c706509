"""Clusters: which of several things stand together (DBSCAN).

A thing with enough others near it is a core; cores that are near each other are one cluster, and
what is near a core belongs to its cluster. What is near no core is noise. A consult compares a
handful of things, so every distance is computed: no approximation, and no library of the size of
scikit-learn for it.
"""

from __future__ import annotations

from collections.abc import Sequence

import networkx as nx
import numpy as np

NOISE = -1


def dbscan(distances: np.ndarray, eps: float, min_samples: int) -> list[int]:
    """The cluster of each thing, counted from 0 in the order of first members, or `NOISE`.

    Args:
        distances: from each to each, [n, n].
        eps: the largest distance at which two are near.
        min_samples: things near a core, itself included.

    Source: Ester et al. (1996), "A density-based algorithm for discovering clusters in large
    spatial databases with noise".
    """
    near = distances <= eps + 1e-9
    cores = np.flatnonzero(near.sum(1) >= min_samples)
    graph = nx.Graph()
    graph.add_nodes_from(cores.tolist())
    graph.add_edges_from((a, b) for a in cores.tolist() for b in cores.tolist() if near[a, b])
    labels = [NOISE] * len(near)
    for label, members in enumerate(sorted(nx.connected_components(graph), key=min)):
        for core in members:
            labels[core] = label
    for each in range(len(near)):
        if labels[each] == NOISE:
            reached = [labels[core] for core in cores.tolist() if near[each, core]]
            labels[each] = min(reached, default=NOISE)
    return labels


def largest(labels: Sequence[int]) -> set[int]:
    """The positions in the largest cluster. None are when there is no cluster, or when two are
    equally large: then nobody can say which of them is the consensus."""
    sizes = sorted(((labels.count(label), label) for label in {*labels} - {NOISE}), reverse=True)
    if not sizes or (len(sizes) > 1 and sizes[0][0] == sizes[1][0]):
        return set()
    return {position for position, label in enumerate(labels) if label == sizes[0][1]}


def distances(vectors: Sequence[Sequence[float]]) -> np.ndarray:
    """The cosine distance (1 - cosine, in [0, 2]) of every pair, [n, n]; 1 where a vector has no
    length, from itself as well."""
    matrix = np.asarray(vectors, dtype=np.float64)
    lengths = np.linalg.norm(matrix, axis=1, keepdims=True)
    unit = np.divide(matrix, lengths, out=np.zeros_like(matrix), where=lengths > 0)
    return np.asarray(1.0 - unit @ unit.T)
