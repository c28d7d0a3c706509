"""Sample and select: several answers side by side, of which one stands.

Each branch answers the task without knowing of the others; where a reviewer is given, it reviews
the branch's answer right away, in a call that knows of that answer only. Then one is chosen: by a
selector (a vote, a score), or by a member of the team who reads them all. A branch without a
readable answer has no vote. When the budget is spent, what there is by then is chosen from.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START
from langgraph.types import Overwrite

from ..agents import TeamState
from .branches import Gathering, add_branches, gathered, gathering
from .choosing import Chooser, choose
from .selectors import majority
from .team import Member, Team


def sample(
    members: Member | Sequence[Member],
    n: int | None = None,
    *,
    review: Member | None = None,
    select: Chooser = majority,
    name: str = "sample",
    checkpointer: BaseCheckpointSaver[Any] | None = None,
) -> Team:
    """A team that answers several times and settles on one answer.

    Args:
        members: one that answers `n` times, or several that answer once each.
        n: how often, where there is one member.
        review: reviews each answer; its verdict's or critique's grade is the candidate's score.
        select: a selector, or a member who reads `state["candidates"]`, for example a `Ranker`.
        checkpointer: LangGraph's, to pause and resume.

    Raises:
        ValueError: there is no branch, or `n` is given for several members.
    """
    team = branches_of(members, n)

    async def begin(state: TeamState) -> dict[str, Any]:
        return {"gathered": Overwrite([]), "stop": ""}

    async def settle(state: Gathering) -> dict[str, Any]:
        candidates, stop = gathered(state["gathered"])
        update = await choose(select, state, candidates)
        return {**update, "stop": update.get("stop") or stop}

    graph = gathering()
    branches = add_branches(graph, "answer", team, then="select", review=review)
    graph.add_node("begin", begin)
    graph.add_node("select", settle)
    graph.add_edge(START, "begin")
    graph.add_conditional_edges("begin", branches.every, [*branches.nodes])
    graph.add_edge("select", END)
    return graph.compile(name=name, checkpointer=checkpointer)


def branches_of(members: Member | Sequence[Member], n: int | None) -> list[Member]:
    """The member of each branch.

    Raises:
        ValueError: there is no branch, or `n` is given for several members.
    """
    if isinstance(members, Sequence):
        team = list(members)
        if n is not None and n != len(team):
            raise ValueError(f"n={n}, but {len(team)} members are given: leave n out")
    else:
        team = [members] * (5 if n is None else n)
    if not team:
        raise ValueError("there is nobody to answer: give a member, and n of at least 1")
    return team
