"""Review: solutions, several readings of them, and revisions by each reading.

The solver solves the task a number of times; no solution knows of another. Chosen ones are read by
a critic a number of times, each time anew; and where there is a reviser, it writes the solution
again from each reading, a number of times. So what critiques are worth can be told: readings of one
solution are compared with each other, and a reading by what came of it.

The calls stand in branches of the record: solution `2`, its readings `2/0`, `2/1`, ..., the
revisions by the second of them `2/1/0`, ... What cannot be read is neither read on nor revised. The
commonest answer of the revisions wins or, where none can be read, of the solutions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START
from langgraph.types import Overwrite, Send

from ..agents import Candidate, TeamState
from .branches import Branch, Gathering, add_branches, apart, gathered, gathering
from .choosing import Chooser, choose
from .selectors import majority
from .team import Member, Team

Choice = Callable[[TeamState, Sequence[int]], Sequence[int]]
"""Which of the solutions that can be read, by their places, are read by the critic."""


class Reviewing(Gathering, total=False):
    """The state of a review."""

    solved: list[Candidate]
    places: list[int]
    """The solutions that are read."""
    heard: list[Candidate]
    """The readings, those of one solution after each other."""
    drafted: list[Candidate]
    """What is chosen from."""
    limit: str
    """The limit that somebody ran into."""


def review(
    solver: Member,
    critic: Member,
    reviser: Member | None = None,
    *,
    solutions: int = 1,
    readings: int = 1,
    revisions: int = 1,
    chosen: Choice | None = None,
    select: Chooser = majority,
    name: str = "review",
    checkpointer: BaseCheckpointSaver[Any] | None = None,
) -> Team:
    """A team that solves, reads what it solved and, where there is a reviser, solves again.

    Args:
        solver: writes `draft`.
        critic: sees a solution as the draft, and writes `critique` or `verdict`.
        reviser: sees a solution and its critique, and writes another `draft`.
        solutions: of the task.
        readings: of each chosen solution.
        revisions: by each critique that can be read.
        chosen: which solutions are read; by default all that can be.
        select: settles on an answer.
        checkpointer: LangGraph's, to pause and resume.

    Raises:
        ValueError: a number is below 1.
    """
    counts = {"solutions": solutions, "readings": readings, "revisions": revisions}
    for what, count in counts.items():
        if count < 1:
            raise ValueError(f"{what}={count}: it must be at least 1")

    async def begin(state: TeamState) -> dict[str, Any]:
        return {"gathered": Overwrite([]), "draft": None, "critique": None, "stop": ""}

    async def solved(state: Reviewing) -> dict[str, Any]:
        found, limit = gathered(state["gathered"])
        readable = [place for place, each in enumerate(found) if each.draft]
        places = readable if chosen is None else [*chosen(state, readable)]
        if odd := set(places) - set(readable):
            raise ValueError(f"{sorted(odd)} cannot be read: solutions {readable} can")
        kept = {"solved": found, "places": places, "drafted": found, "limit": limit}
        return {"gathered": Overwrite([]), **kept}

    async def heard(state: Reviewing) -> dict[str, Any]:
        found, limit = gathered(state["gathered"])
        return {"gathered": Overwrite([]), "heard": found, "limit": limit}

    async def revised(state: Reviewing) -> dict[str, Any]:
        found, limit = gathered(state["gathered"])
        readable = any(each.draft for each in found)
        return {"drafted": found if readable else state["solved"], "limit": limit}

    async def settle(state: Reviewing) -> dict[str, Any]:
        update = await choose(select, state, state["drafted"])
        return {**update, "stop": update.get("stop") or state["limit"]}

    def outlook(state: Reviewing, place: int, **told: Any) -> TeamState:
        seen: Any = {**apart(state), "draft": state["solved"][place].draft, **told}
        return cast(TeamState, seen)

    async def to_read(state: Reviewing) -> list[Send] | str:
        sends = [
            Send("read", Branch(name=f"{place}/{number}", state=outlook(state, place)))
            for place in state["places"]
            for number in range(readings)
        ]
        return sends if sends and not state["limit"] else "settle"

    async def to_revise(state: Reviewing) -> list[Send] | str:
        sends = []
        for count, each in enumerate(state["heard"]):
            place, number = state["places"][count // readings], count % readings
            if each.critique is not None:
                seen = outlook(state, place, critique=each.critique)
                sends += [
                    Send("revise", Branch(name=f"{place}/{number}/{again}", state=seen))
                    for again in range(revisions)
                ]
        return sends if sends and not state["limit"] else "settle"

    graph = gathering(schema=Reviewing)
    solve = add_branches(graph, "solve", [solver] * solutions, then="solved")
    add_branches(graph, "read", [critic], then="heard")
    graph.add_node("begin", begin)
    graph.add_node("solved", solved)
    graph.add_node("heard", heard)
    graph.add_node("settle", settle)
    graph.add_edge(START, "begin")
    graph.add_conditional_edges("begin", solve.every, [*solve.nodes])
    graph.add_conditional_edges("solved", to_read, ["read", "settle"])
    if reviser is not None:
        add_branches(graph, "revise", [reviser], then="revised")
        graph.add_node("revised", revised)
        graph.add_edge("revised", "settle")
        graph.add_conditional_edges("heard", to_revise, ["revise", "settle"])
    else:
        graph.add_edge("heard", "settle")
    graph.add_edge("settle", END)
    return graph.compile(name=name, checkpointer=checkpointer)
