"""Branches: members at work side by side, where the failure of one stops no other.

Each branch is a LangGraph task of its own (`Send`), so it streams when it ends, is kept by a
checkpointer when it is done, and can pause for a person. Its calls carry a branch id in the record:
its place in the fan-out, below that of the branch around it (`2`, then `2/0`). Results come in the
order of the branches, whichever ends first. A branch that fails, or whose budget is spent, is a
`Candidate` that says so; only when every branch has failed is that an error. What is reviewed
within its branch streams before its review does, as an update of `propose`.

The branches of a fan-out are one node deep, whatever is nested in it, so they end in the same
superstep and the node that gathers them needs no `defer`.
"""

from __future__ import annotations

import asyncio
import logging
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Any, TypedDict, cast

from langchain_core.callbacks import BaseCallbackManager
from langchain_core.messages import AIMessage
from langchain_core.runnables import RunnableConfig
from langchain_core.runnables.config import var_child_runnable_config
from langgraph.errors import GraphBubbleUp
from langgraph.func import task
from langgraph.graph import StateGraph
from langgraph.types import Send

from ..agents import Agent, Candidate, Critique, Proposal, TeamContext, TeamState, Verdict
from ..episodes import BudgetExceeded, error_text
from .team import Member, Settled, name_of, work

log = logging.getLogger(__name__)
MEASURES = ("self_certainty", "entropy")
"""What the local engine measures at each token; see `models.engine.request.Measures`."""


class BranchesFailedError(RuntimeError):
    """Every branch of a fan-out failed; the message tells the first error."""


class Gathering(TeamState, total=False):
    """The state of a graph that fans out."""

    gathered: Annotated[list[Candidate], operator.add]
    """Results of branches, in the order of the branches."""


def gathering(
    output: type[Any] = Settled, schema: type[Gathering] = Gathering
) -> StateGraph[Any, TeamContext, Any, Any]:
    """An empty graph over `schema` that takes a team's state and gives `output` back."""
    return StateGraph(
        schema, context_schema=TeamContext, input_schema=TeamState, output_schema=output
    )


class Branch(TypedDict):
    """What one branch is given."""

    name: str
    state: TeamState


SEEN = ("task", "messages", "observation", "steps", "draft", "critique", "said")
"""What members see of the state when they begin: the task, the conversation, and, where there was
one, the draft before and its review, and all that was said before."""
Outlook = Callable[[TeamState, int], TeamState]
"""What branch `number` sees of the team's state."""


@dataclass(frozen=True, slots=True)
class Branches:
    """The nodes of a fan-out."""

    nodes: tuple[str, ...]
    """The node of each branch, in their order; further branches go round."""
    outlook: Outlook

    def __call__(
        self, state: TeamState, numbers: Iterable[int] | None = None, prefix: str = ""
    ) -> list[Send]:
        """Send the branches (those with these numbers) to work; what a conditional edge returns.
        An edge is best async: LangGraph runs any other in a thread.

        Args:
            prefix: stands before the number in the branch's id.
        """
        return [
            Send(
                self.nodes[number % len(self.nodes)],
                Branch(name=f"{prefix}{number}", state=self.outlook(state, number)),
            )
            for number in (range(len(self.nodes)) if numbers is None else numbers)
        ]

    async def every(self, state: TeamState) -> list[Send]:
        """All branches, for a conditional edge."""
        return self(state)


def add_branches(
    graph: StateGraph[Any, Any, Any, Any],
    node: str,
    members: Sequence[Member],
    *,
    then: str,
    review: Member | None = None,
    outlook: Outlook | None = None,
) -> Branches:
    """Add the nodes in which `members` work side by side, and what sends them there.

    The node that `then` names finds the results in `state["gathered"]`, which a node before the
    fan-out has to empty (`Overwrite([])`).

    Args:
        node: the node's name; where members differ, each has a node of its own, `node.member`.
        review: reviews what each member wrote, within its branch.
        outlook: what each branch sees of the state; by default what `apart` leaves.
    """

    def run(member: Member) -> Any:
        async def branch(task: Branch) -> dict[str, list[Candidate]]:
            return {"gathered": [await candidate(member, task["state"], task["name"], review)]}

        return branch

    alike = all(member is members[0] for member in members)
    names = [node if alike else f"{node}.{label}" for label in labels(members)]
    for name, member in dict(zip(names, members, strict=True)).items():
        graph.add_node(name, run(member), input_schema=Branch)
        graph.add_edge(name, then)
    return Branches(tuple(names), outlook or (lambda state, number: apart(state)))


def apart(state: TeamState) -> TeamState:
    """The state without what others came up with or decided."""
    seen: Any = {key: held for key, held in state.items() if key in SEEN}
    return cast(TeamState, seen)


def labels(members: Sequence[Member]) -> list[str]:
    """Names of members, told apart by a number where two that differ share one."""
    taken: dict[str, list[Member]] = {}
    named = []
    for member in members:
        twins = taken.setdefault(name_of(member), [])
        if not any(member is twin for twin in twins):
            twins.append(member)
        place = next(i for i, twin in enumerate(twins) if twin is member)
        named.append(f"{name_of(member)}-{place + 1}" if place else name_of(member))
    return named


async def candidate(
    member: Member,
    state: TeamState,
    branch: str,
    review: Member | None = None,
) -> Candidate:
    """What `member` makes of `state` in a branch of its own, with the review where one is wanted.

    What it raises is told in the candidate, except a pause for a person. Its grade is the `score`
    of the update of the review (or, without one, of the member), else what `score_of` reads there;
    numbers in its `measures` go with it.
    """
    update, reply, error = await (
        speak(member, state, branch) if review is None else propose(member, state, branch)
    )
    draft = update.get("draft")
    grade = score_of(update)
    stop = "" if isinstance(draft, Proposal) else str(update.get("stop") or "")
    if review is not None and (draft or update.get("verdict")):
        seen: Any = {**state, **update}
        reviewed, _, error = await speak(review, seen, branch)
        grade, stop = score_of(reviewed), stop or str(reviewed.get("stop") or "")
        update |= {key: held for key, held in reviewed.items() if held is not None}
        draft = update.get("draft")
    critique, verdict = update.get("critique"), update.get("verdict")
    return Candidate(
        by=name_of(member),
        branch=path_of(branch),
        draft=draft if isinstance(draft, Proposal) else None,
        text=reply.text if reply else "",
        critique=critique if isinstance(critique, Critique) else None,
        verdict=verdict if isinstance(verdict, Verdict) else None,
        score=grade,
        measures={**measures_of(reply), **(update.get("measures") or {})},
        stop=stop,
        error=error,
    )


Spoken = tuple[dict[str, Any], AIMessage | None, str]
"""The update that a member made, the reply that it was read from, and what went wrong."""


async def speak(member: Member, state: TeamState, branch: str) -> Spoken:
    """Let `member` work in `branch`, and tell what it raises instead of raising it."""
    with in_branch(branch) as path:
        try:
            if isinstance(member, Agent):
                return (*await member.speak(state), "")
            return await work(member, state), None, ""
        except BudgetExceeded as spent:
            return {"stop": str(spent)}, None, ""
        except (GraphBubbleUp, asyncio.CancelledError):
            raise
        except Exception as failure:
            error = error_text(failure)
            log.warning("branch %s (%s) failed: %s", path, name_of(member), error)
            return {}, None, error


@task
async def propose(member: Member, state: TeamState, branch: str) -> Spoken:
    """What is to be reviewed: a task of its own, so that a checkpointer keeps it. When a person
    reviews, it is not asked for again once they have spoken."""
    return await speak(member, state, branch)


@contextmanager
def in_branch(name: str) -> Iterator[str]:
    """Mark the calls made within as those of branch `name`, below the branch around it."""
    config = var_child_runnable_config.get() or {}
    metadata: Mapping[str, Any] = config.get("metadata") or {}
    path = path_of(name)
    inner: RunnableConfig = {**config, "metadata": {**metadata, "branch": path}}
    if isinstance(callbacks := config.get("callbacks"), BaseCallbackManager):
        callbacks = callbacks.copy()
        callbacks.add_metadata({"branch": path})
        inner["callbacks"] = callbacks
    token = var_child_runnable_config.set(inner)
    try:
        yield path
    finally:
        var_child_runnable_config.reset(token)


def path_of(branch: str) -> str:
    """The id of a branch: its name below that of the branch around it."""
    config = var_child_runnable_config.get() or {}
    outer = (config.get("metadata") or {}).get("branch")
    return f"{outer}/{branch}" if outer else branch


def gathered(candidates: Sequence[Candidate]) -> tuple[list[Candidate], str]:
    """The results of a fan-out, and the limit that one of them ran into.

    Raises:
        BranchesFailedError: each has failed.
    """
    if candidates and all(each.error for each in candidates):
        raise BranchesFailedError(
            f"each of {len(candidates)} branches failed, the first with: {candidates[0].error}"
        )
    return [*candidates], limit_of(candidates)


def limit_of(candidates: Sequence[Candidate]) -> str:
    """The limit that one of them ran into; empty where none did."""
    return next((each.stop for each in candidates if each.stop), "")


def score_of(update: Mapping[str, Any]) -> float | None:
    """The grade in what a member wrote: its `score`; else the judge's of the one proposal, or 1 or
    0 for a bare decision; else the critic's, likewise. None where there is nothing readable."""
    score, verdict, critique = (update.get(key) for key in ("score", "verdict", "critique"))
    if isinstance(score, int | float):
        return float(score)
    if isinstance(verdict, Verdict):
        accepts = float(verdict.decision == "accept")
        return verdict.scores[0] if len(verdict.scores) == 1 else accepts
    if isinstance(critique, Critique):
        right = float(critique.verdict == "correct")
        return right if critique.score is None else critique.score
    return None


def measures_of(reply: AIMessage | None) -> dict[str, float]:
    """The engine's measures of a reply, as means over its tokens."""
    told = (reply.response_metadata.get("measures") or {}) if reply else {}
    return {name: sum(told[name]) / len(told[name]) for name in MEASURES if told.get(name)}
