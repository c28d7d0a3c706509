"""SelfOrg: agents whose answers decide who reads whom.

All agents answer alone. Each answer becomes a vector, and what an agent contributes is the cosine
of its vector with the mean of all (which stands in for its Shapley value, and takes linear time).
Then an edge goes from one agent to another where their answers are near each other and the first
contributes more; so the graph has no cycle. Along it agents answer again, each having read those
upstream of it as they answer now, the one that contributes most first; whoever has nobody upstream
keeps its answer. Vectors, contributions and graph are made anew in each round. At the end one of
the answers stands: the one nearest to their mean, each weighing what it contributes.

There is no judge: what most agents say wrongly, and alike, is made stronger.

Paper: "Stochastic Self-Organization in Multi-Agent Systems", arXiv 2510.00685. There was no code to
read: the words, five agents, two rounds and the nearness of 0.5 are assumptions. The paper also has
a looser rule, under which cycles occur and are broken; it is left out. The paper's vectors are a
sentence encoder's; by default these are lexical, which see words and not meanings.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any

import networkx as nx
from langchain_core.embeddings import Embeddings
from langchain_core.language_models import BaseChatModel

from ...agents import Actor, Candidate, TeamState
from ...episodes.paper import Paper
from ...models.lexical import LexicalEmbeddings
from ..debate import words
from ..route import route
from ..team import Team

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Vectors = NDArray[Any]

PAPER = Paper(
    title="Stochastic Self-Organization in Multi-Agent Systems",
    arxiv="2510.00685",
    kind="graph | selector | finding",
)
AGENTS = 5
ROUNDS = 2
NEAR = 0.5
"""The cosine from which answers are near each other."""
DIGITS = 12
"""Contributions that are equal up to so many digits are equal: equal answers are no betters."""


def self_org(
    models: BaseChatModel | Sequence[BaseChatModel],
    *,
    agents: int = AGENTS,
    rounds: int = ROUNDS,
    near: float | None = NEAR,
    nearest: int = 0,
    embeddings: Embeddings | None = None,
) -> Team:
    """A team of agents: one call each, and in each round one more for each that reads somebody.

    Args:
        models: one for all, or several, which the agents take in turn.
        near: the cosine from which an agent may read another; None for the nearest only.
        nearest: how many agents an agent may read because they are nearest to it.
        embeddings: makes vectors of answers; `LexicalEmbeddings` by default.

    Raises:
        ValueError: there are fewer than two agents or no model, nobody may read anybody, or
            `rounds` or `nearest` is negative.
    """
    held = [models] if isinstance(models, BaseChatModel) else list(models)
    if not held:
        raise ValueError("models is empty: give at least one")
    if nearest < 0 or (near is None and not nearest):
        raise ValueError(f"near={near}, nearest={nearest}: nobody could read anybody")
    embedded = embedder(embeddings or LexicalEmbeddings())

    async def router(candidates: Sequence[Candidate]) -> nx.DiGraph[int]:
        return organised(await embedded(candidates), near, nearest)

    async def nearest_to_all(state: TeamState) -> dict[str, Any]:
        candidates = state["candidates"]
        place = central(await embedded(candidates))
        return {} if place is None else {"draft": candidates[place].draft}

    return route(
        [Actor(held[n % len(held)], name=f"agent-{n}") for n in range(agents)],
        router,
        rounds=rounds,
        settle=nearest_to_all,
        name="self_org",
    )


def embedder(embeddings: Embeddings) -> Callable[[Sequence[Candidate]], Awaitable[Vectors]]:
    """Makes the vectors of answers, [answers, width], of length 1; zeros for one without words."""

    async def embedded(candidates: Sequence[Candidate]) -> Vectors:
        import numpy as np

        told = [place for place, each in enumerate(candidates) if each.draft is not None]
        if not told:
            return np.zeros((len(candidates), 1))
        made = np.asarray(await embeddings.aembed_documents([words(candidates[p]) for p in told]))
        vectors = np.zeros((len(candidates), made.shape[1]))
        vectors[told] = made / np.maximum(np.linalg.norm(made, axis=1, keepdims=True), 1e-12)
        return vectors

    return embedded


def contributions(vectors: Vectors) -> Vectors:
    """What each answer contributes, [answers]: its cosine with the mean of all."""
    import numpy as np

    mean = vectors.mean(axis=0)
    told: Vectors = np.round(vectors @ mean / max(float(np.linalg.norm(mean)), 1e-12), DIGITS)
    return told


def organised(vectors: Vectors, near: float | None = NEAR, nearest: int = 0) -> nx.DiGraph[int]:
    """Who reads whom, those who contribute most first."""
    gives = contributions(vectors)
    alike = vectors @ vectors.T
    graph: nx.DiGraph[int] = nx.DiGraph()
    by_gift = sorted(range(len(vectors)), key=lambda n: (-gives[n], n))
    graph.add_nodes_from(by_gift)
    for reader in by_gift:
        others = sorted((n for n in by_gift if n != reader), key=lambda n: -alike[reader, n])
        close = {n for n in others if near is not None and alike[reader, n] >= near}
        close |= {*others[:nearest]}
        graph.add_edges_from((n, reader) for n in close if gives[n] > gives[reader])
    return graph


def central(vectors: Vectors) -> int | None:
    """The answer nearest to the mean of all, each weighing what it contributes; the first of
    equals. None where there is no answer."""

    told = [place for place, vector in enumerate(vectors) if vector.any()]
    if not told:
        return None
    gives = contributions(vectors)
    total = float(gives.sum())
    middle = gives @ vectors / total if total > 0 else vectors.mean(axis=0)
    return max(told, key=lambda place: (round(float(vectors[place] @ middle), DIGITS), -place))
