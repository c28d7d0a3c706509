"""Leave the tree: a search whose tree stands in the record, for whoever trains on it.

After the search, its tree is written to the team's findings (`Episode.findings["tree"]`), beside
whatever else is found out about it while the episode lasts, so that the calls this takes are on
record and count against its budget.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from langgraph.graph import END, START

from ..agents import TeamState
from ..episodes import Episode
from .branches import gathering
from .search import Searched, Searching
from .team import Team
from .tree import Tree
from .tree_json import tree_from_json, tree_to_json

TREE = "tree"
"""Where findings have the tree."""
Further = Callable[[Tree, TeamState], Awaitable[Mapping[str, Any]]]
"""Finds out more about a tree: further findings, as JSON values; `stop` is a limit that was met."""


def leave_tree(search: Team, further: Further | None = None, *, name: str | None = None) -> Team:
    """A team that searches, and leaves the tree in its findings.

    Args:
        search: leaves its tree in the state, as `search` does.
        further: is asked about the tree when the search is over.
        name: of the team; by default the search's.
    """

    async def note(state: Searching) -> dict[str, Any]:
        tree = state["tree"]
        found = dict(await further(tree, state)) if further else {}
        stop = found.pop("stop", "")
        update = {"findings": {TREE: tree_to_json(tree), **found}}
        return {**update, **({"stop": stop} if stop else {})}

    graph = gathering(Searched, Searching)
    graph.add_node("search", search)
    graph.add_node("note", note)
    graph.add_edge(START, "search")
    graph.add_edge("search", "note")
    graph.add_edge("note", END)
    return graph.compile(name=name or search.name)


def tree_of(episode: Episode) -> Tree:
    """The tree that a search left in the record.

    Raises:
        ValueError: there is none, or it is damaged.
    """
    if TREE not in episode.findings:
        raise ValueError(
            f"{episode.run}/{episode.task}/{episode.attempt} has no tree among its findings: play "
            "`leave_tree(team)`"
        )
    return tree_from_json(episode.findings[TREE])
