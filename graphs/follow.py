"""Follow: do what the world's own expert says. No model is asked.

Environments that have scripted experts tell, where the option `expert` asks for it, what the expert
would do from each observation on (`info["expert_plan"]`); this team does the first of that, every
turn. It shows what a benchmark's expert reaches, under the rules and limits of every other team.
"""

from __future__ import annotations

from typing import Any

from langgraph.graph import END, START, StateGraph

from ..agents import Action, TeamContext, TeamState
from .act import act
from .team import Team

LOST = "the expert knows no way on"


def follow(*, name: str = "expert") -> Team:
    """A team that acts as the expert of its world says, until the expert knows no way on.

    While it runs, it raises ValueError in a world that tells of no expert.
    """

    async def advice(state: TeamState) -> dict[str, Any]:
        seen = state.get("observation")
        plan = seen.info.get("expert_plan") if seen else None
        if plan is None:
            raise ValueError("this world tells of no expert: make its environment with expert=NAME")
        return {"draft": Action(action=plan[0])} if plan else {"draft": None, "stop": LOST}

    policy = StateGraph(TeamState, context_schema=TeamContext)
    policy.add_node("expert", advice)
    policy.add_edge(START, "expert")
    policy.add_edge("expert", END)
    return act(policy.compile(name="advice"), name=name)
