"""MAgICoRe: refine only what is hard, with a reward for each step to say where.

A solver writes many chains of steps. Rewards grade them: an outcome reward each whole chain, a
process reward each step; a chain is worth the first plus the product of the others. Then the
question is tested for hardness. It is hard when the chains that agree with the majority are worth
less than usual, and when the answers are so spread (each weighing its rewards, by either kind) that
they say little. An easy question is answered by a vote in which chains weigh what they are worth.
In a hard one each chain is reviewed, by a reviewer who sees its steps with their grades and
explains the poor ones, and rewritten by a refiner who reads the review; the new chains are graded,
the best of old and new are kept, and the question is tested again, three times at most.

Rewards come from a function of yours, with a reward model behind it; without one, a model grades,
which is not the paper.

Paper: "MAgICoRe: Multi-Agent, Iterative, Coarse-to-Fine Refinement for Reasoning", arXiv
2409.12147. The words are ours. Chains are drawn at a temperature of 0.8 and a top-p of 0.95:
settings of the model. What chains are usually worth is measured over a corpus, which one question
does not have: it is a parameter.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage, HumanMessage
from langgraph.graph import END, START
from langgraph.types import Command, Overwrite

from ...agents import Actor, Candidate, Critic, TeamState
from ...episodes.paper import Paper
from ..branches import Gathering, add_branches, apart, gathered, gathering
from ..choosing import choose
from ..selectors import graded, majority, plain, weighted
from ..team import Team, onwards, stopped
from .rewards import OUTCOME, PROCESS, STEP, Reward, Solution, confidence, measured, model_reward

PAPER = Paper(
    title="MAgICoRe: Multi-Agent, Iterative, Coarse-to-Fine Refinement for Reasoning",
    arxiv="2409.12147",
    kind="graph | selector",
)
CHAINS = 40
ITERATIONS = 3
SURE = 0.5
"""The confidence below which answers are spread: an entropy above ln 3."""
POOR = 6
"""The grade, of 10, below which a step is explained."""
REVIEW = (
    f"You review solutions. Each step was graded from 0 to 10. For each step graded below {POOR}, "
    "explain what is wrong with it. Do not solve the task yourself."
)
REFINE = "Solve the problem step by step, then give the answer. Mend what a review finds wrong."


class Reviewer(Critic):
    """Sees a solution with the grades of its steps (`state["candidates"]`, the one chain)."""

    role = "reviewer"
    prompt = REVIEW

    def brief(self, state: TeamState) -> Sequence[BaseMessage]:
        (chain,) = state["candidates"]
        solution = chain.draft
        assert isinstance(solution, Solution)
        grades = [
            f"Step {number}: {10 * chain.measures.get(STEP.format(number), 0):.0f}/10"
            for number, _ in enumerate(solution.steps, 1)
        ]
        return (*super().brief(state), HumanMessage("\n".join(["Grades:", *grades])))


def magicore(
    model: BaseChatModel,
    reward: Reward | None = None,
    *,
    reviewer: BaseChatModel | None = None,
    refiner: BaseChatModel | None = None,
    chains: int = CHAINS,
    iterations: int = ITERATIONS,
    usual: float = 1.0,
) -> Team:
    """A team of a solver, a reviewer and a refiner: `chains` answers, and twice as many calls more
    each time that the question is found hard, besides those of a model that grades.

    Args:
        model: the solver's, and everybody's for whom none is given.
        reward: grades a solution; by default `model` does, with a call for each.
        chains: solutions, and how many are kept.
        iterations: times that they are refined, at most.
        usual: what a chain is worth on average, over a corpus; from 0 to 2.

    Raises:
        ValueError: there is no chain, or `iterations` is negative.
    """
    if chains < 1 or iterations < 0:
        raise ValueError(f"chains={chains}, iterations={iterations}: there is nothing to do")
    rewards = reward or model_reward(model)
    solver = Actor(model, name="solver", output=Solution)
    reviews = Reviewer(reviewer or model)
    refines = Actor(refiner or model, name="refiner", instructions=REFINE, output=Solution)

    async def grade(state: TeamState) -> dict[str, Any]:
        given = await rewards(state)
        return measured(given) if given else {"score": 0.0}

    async def refined(state: TeamState) -> dict[str, Any]:
        review = await reviews(state)
        return review if review.get("stop") else await refines({**state, **review})  # type: ignore[typeddict-item]

    async def begin(state: TeamState) -> dict[str, Any]:
        return {"gathered": Overwrite([]), "candidates": [], "round": 0, "stop": ""}

    async def weigh(state: Gathering) -> Command[Any]:
        before, new = state["candidates"], state["gathered"]
        kept, stop = (new, next((c.stop for c in new if c.stop), "")) if before else gathered(new)
        pool = sorted([*before, *kept], key=lambda each: -graded(each))[:chains]
        update: dict[str, Any] = {"gathered": Overwrite([]), "candidates": pool, "stop": stop}
        if stop or state["round"] >= iterations or not hard(pool, usual):
            return Command(update=update, goto="vote")
        update["round"] = state["round"] + 1
        readable = [place for place, each in enumerate(pool) if each.draft]
        return onwards(state, update, lambda now: improve(now, readable, f"{now['round']}."))

    async def vote(state: TeamState) -> dict[str, Any]:
        return {**await choose(weighted(graded), state, state["candidates"]), **stopped(state)}

    def chain(state: TeamState, number: int) -> TeamState:
        one = state["candidates"][number]
        return {**apart(state), "draft": one.draft, "candidates": [one]}

    graph = gathering()
    solve = add_branches(graph, "solve", [solver] * chains, then="weigh", review=grade)
    improve = add_branches(
        graph, "improve", [refined] * chains, then="weigh", review=grade, outlook=chain
    )
    graph.add_node("begin", begin)
    graph.add_node("weigh", weigh, destinations=(*dict.fromkeys(improve.nodes), "vote"))
    graph.add_node("vote", vote)
    graph.add_edge(START, "begin")
    graph.add_conditional_edges("begin", solve.every, [*dict.fromkeys(solve.nodes)])
    graph.add_edge("vote", END)
    return graph.compile(name="magicore")


def hard(pool: Sequence[Candidate], usual: float) -> bool:
    """Whether the answers of a pool are poor, and say little."""
    place = majority(pool)
    if place is None:
        return False
    answer = plain(pool[place].value)
    agreeing = [graded(each) for each in pool if each.draft and plain(each.value) == answer]
    if sum(agreeing) / len(agreeing) >= usual:
        return False
    return min(confidence(pool, OUTCOME), confidence(pool, PROCESS)) < SURE
