"""CoMAS: agents who each solve, evaluate and score, and are to learn from one another.

A round has three steps, and in each all agents speak side by side. Every agent writes a solution.
The solutions are dealt out at random, one to each agent, who lists what is wrong with it: it is
told to attack. Solution and evaluation together are dealt out anew, one to each agent, who marks
them with 3 (the solution is right, and no mistake on the list holds), 2 (smaller ones do) or 1 (one
is fatal). An agent may come upon its own solution. In the next round all solvers are shown the same
few solutions of the round before, drawn at random, with their evaluations; nobody is ever shown a
mark. Chance is drawn from the episode's seed. The record's findings say who evaluated and marked
what, and how: `training.recipes.comas` learns from that.

Paper: "CoMAS: Co-Evolving Multi-Agent Systems via Interaction Rewards", arXiv 2510.08529, with four
agents, two rounds and two solutions shown. Its code deals out over a whole batch of problems, so
that of one problem an agent may evaluate several solutions and of another none; here an episode is
one problem, and each agent has its share in each. Its protocol ends without an answer; here the
majority of the last solutions is the team's. Words are ours, with a system message; instead of a
placeholder the first round shows nothing.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

from langchain_core.language_models import BaseChatModel
from langchain_core.runnables import RunnableConfig
from langgraph.graph import END, START
from langgraph.types import Command, Overwrite, Send

from ...agents import Candidate, TeamState
from ...episodes.paper import Paper
from ..branches import Gathering, add_branches, apart, gathered, gathering
from ..choosing import choose
from ..selectors import majority
from ..team import Team, onwards
from .comas_roles import WORDS, Unread

PAPER = Paper(
    title="CoMAS: Co-Evolving Multi-Agent Systems via Interaction Rewards",
    arxiv="2510.08529",
    kind="graph | agent | reward | recipe",
)
AGENTS = 4
ROUNDS = 2
REFERENCES = 2
STEPS = ("solver", "evaluator", "scorer")
"""Who speaks in the steps of a round; agent 0 is `solver-0`, `evaluator-0` and `scorer-0`."""


def comas(
    models: BaseChatModel | Sequence[BaseChatModel],
    *,
    agents: int = AGENTS,
    rounds: int = ROUNDS,
    references: int = REFERENCES,
    words: Literal["paper", "roles"] = "paper",
    scorer: BaseChatModel | None = None,
) -> Team:
    """A team of agents that makes `3 * agents * rounds` calls.

    Args:
        models: one for all, or several, which the agents take in turn.
        references: solutions of the round before that solvers are shown, from the second round on.
        words: what the agents are told: what the paper tells them, or what `Actor`, `Critic` and
            `Judge` are, where accepting is a 3 and asking for another is a 1. The bundled model
            knows only the latter.
        scorer: scores in place of all agents.

    Raises:
        ValueError: there are fewer than two agents, no round, no model, or more references than
            agents; or there are no such words.
    """
    held = [models] if isinstance(models, BaseChatModel) else list(models)
    if not held:
        raise ValueError("models is empty: give at least one")
    require_team(agents, rounds, references, words)
    everybody = range(agents)
    own = [held[number % len(held)] for number in everybody]
    speaking = zip(STEPS, (own, own, own if scorer is None else [scorer] * agents), strict=True)

    async def begin(state: TeamState) -> dict[str, Any]:
        return {"said": [], "round": 0, "stop": "", "findings": {"rounds": []}}

    async def deal(state: TeamState, config: RunnableConfig) -> Command[Any]:
        rng = _chance(state, config)
        shown = rng.sample(everybody, references) if state["round"] else []
        drawn = {
            "references": shown,
            "evaluators": rng.sample(everybody, agents),
            "scorers": rng.sample(everybody, agents),
            "scores": [None] * agents,
        }
        update: dict[str, Any] = {
            "gathered": Overwrite([]),
            "round": state["round"] + 1,
            "findings": {"rounds": [*state["findings"]["rounds"], drawn]},
        }
        return onwards(state, update, lambda now: sent(now, "solver"))

    def sent(state: TeamState, step: str) -> list[Send]:
        """To whoever has something to do in a step."""
        return branches[step](
            state,
            [number for number in everybody if step == "solver" or _before(state, step, number)],
            f"{state['round']}/",
        )

    def solving(state: TeamState, number: int) -> TeamState:
        shown = state["findings"]["rounds"][-1]["references"]
        pairs = [_discussion(state, state["round"] - 1, solver) for solver in shown]
        return {**apart(state), "said": [each for pair in pairs for each in pair]}

    def evaluating(state: TeamState, number: int) -> TeamState:
        return _told(state, _before(state, "evaluator", number))

    def scoring(state: TeamState, number: int) -> TeamState:
        return _told(state, _before(state, "scorer", number))

    async def hear(state: Gathering) -> Command[Any]:
        """What a step brought; then the next step, the next round, or the end."""
        new, stop = gathered(state["gathered"])
        said = [*state["said"], *(replace(each, round=state["round"]) for each in new)]
        findings = _marked(state["findings"], new)
        update = {"gathered": Overwrite([]), "said": said, "findings": findings, "stop": stop}
        step = STEPS.index(new[0].by.partition("-")[0])
        now: Any = {**state, **update}
        goto: Any = "deal" if state["round"] < rounds else "settle"
        if stop:
            goto = "settle"
        elif step < 2:
            goto = sent(now, STEPS[step + 1]) or goto
        return Command(update=update, goto=goto)

    async def settle(state: TeamState) -> dict[str, Any]:
        return await choose(majority, state, _last_solutions(state))

    graph = gathering()
    outlooks = dict(zip(STEPS, (solving, evaluating, scoring), strict=True))
    branches = {
        step: add_branches(
            graph,
            step,
            [WORDS[words][step](each, name=f"{step}-{n}") for n, each in enumerate(speakers)],
            then="hear",
            outlook=outlooks[step],
        )
        for step, speakers in speaking
    }
    solve, evaluate, score = (branches[step].nodes for step in STEPS)
    graph.add_node("begin", begin)
    graph.add_node("deal", deal, destinations=solve)
    graph.add_node("hear", hear, destinations=(*evaluate, *score, "deal", "settle"))
    graph.add_node("settle", settle)
    graph.add_edge(START, "begin")
    graph.add_edge("begin", "deal")
    graph.add_edge("settle", END)
    return graph.compile(name="comas")


def require_team(agents: int, rounds: int, references: int, words: str) -> None:
    """
    Raises:
        ValueError: there can be no such team.
    """
    if agents < 2 or rounds < 1:
        raise ValueError(f"agents={agents}, rounds={rounds}: it takes two agents and a round")
    if not 0 <= references <= agents:
        raise ValueError(f"references={references}: a round has {agents} solutions to show")
    if words not in WORDS:
        raise ValueError(f"words={words!r}: choose {' or '.join(WORDS)}")


def _chance(state: TeamState, config: RunnableConfig) -> random.Random:
    """Chance for the round to come, from the episode's seed."""
    task = state.get("task")
    seed = (config.get("metadata") or {}).get("seed", 0)
    return random.Random(f"{seed}/{task.id if task else ''}/{state['round']}")


def _discussion(state: TeamState, round: int, solver: int) -> list[Candidate]:
    """A solution, with its evaluation where there was one; nothing where there is no solution."""
    evaluator = state["findings"]["rounds"][round - 1]["evaluators"][solver]
    names = [f"solver-{solver}", f"evaluator-{evaluator}"]
    held = {each.by: each for each in state["said"] if each.round == round and _spoke(each)}
    found = [held.get(name) for name in names]
    if found[0] is None:
        return []
    if found[1] is None:
        return [found[0]]
    return [replace(found[0], critique=found[1].critique), found[1]]


def _before(state: TeamState, step: str, number: int) -> list[Candidate]:
    """What an agent has to evaluate or to score in this round; nothing where a call failed."""
    drawn = state["findings"]["rounds"][-1][f"{step}s"]
    found = _discussion(state, state["round"], drawn.index(number))
    return found if len(found) >= STEPS.index(step) else []


def _told(state: TeamState, said: list[Candidate]) -> TeamState:
    """The state with a discussion under review."""
    solution = said[0]
    draft = solution.draft or Unread(text=solution.text)
    return {**apart(state), "draft": draft, "critique": solution.critique, "said": said}


def _marked(findings: dict[str, Any], new: Sequence[Candidate]) -> dict[str, Any]:
    """The findings, with the marks among what was said."""
    *before, last = findings["rounds"]
    scores = list(last["scores"])
    for each in new:
        role, _, number = each.by.partition("-")
        if role == "scorer" and each.score is not None:
            scores[last["scorers"].index(int(number))] = int(each.score)
    return {"rounds": [*before, {**last, "scores": scores}]}


def _last_solutions(state: TeamState) -> list[Candidate]:
    """What each solver wrote last that could be read, with its evaluation and its mark in [0, 1];
    its silence where there was nothing."""
    latest: dict[str, Candidate] = {}
    for round, drawn in enumerate(state["findings"]["rounds"], 1):
        for solver, score in enumerate(drawn["scores"]):
            found = _discussion(state, round, solver)
            if found and (found[0].draft or found[0].by not in latest):
                grade = None if score is None else (score - 1) / 2
                latest[found[0].by] = replace(found[0], score=grade)
    return [latest[name] for name in sorted(latest)]


def _spoke(said: Candidate) -> bool:
    return not said.error and not said.stop
