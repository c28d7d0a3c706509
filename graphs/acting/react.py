"""ReAct: thoughts and actions take turns.

At each turn the agent writes a thought and an action; the world answers; both stand in the
conversation that it reads next. On a question with tools in the place of a world, its calls of
tools are the actions, and its answer ends the episode.

Paper: "ReAct: Synergizing Reasoning and Acting in Language Models", arXiv 2210.03629, whose worked
examples are left out: pass them in `instructions`.
"""

from __future__ import annotations

from collections.abc import Iterable

from langchain_core.language_models import BaseChatModel

from ...agents import ToolAgent, ToolUser
from ...episodes.paper import Paper
from ...tools import ToolRegistry, ToolSource
from ..act import act
from ..team import Team
from ..use_tools import use_tools

PAPER = Paper(
    title="ReAct: Synergizing Reasoning and Acting in Language Models",
    arxiv="2210.03629",
    kind="graph",
)
CALLS = 20
"""Calls of tools on a question, where no limit is given."""
PROMPT = (
    "Solve the task by taking turns with the world. Each turn, first think in `thought` about what "
    "you know and need, then take one action."
)


def react(
    model: BaseChatModel,
    tools: ToolRegistry | Iterable[ToolSource] | None = None,
    *,
    instructions: str | None = None,
    max_steps: int | None = None,
) -> Team:
    """A team of one agent that thinks and acts.

    Args:
        tools: what it may call to answer a question; without them it acts in a world.
        instructions: in place of the usual ones, which differ with and without tools.
        max_steps: actions (calls of tools), at most; None leaves it to the world (20 calls).

    Raises:
        ValueError: `max_steps` is not positive.
    """
    if tools is None:
        policy = ToolAgent(model, instructions=PROMPT if instructions is None else instructions)
        return act(policy, max_steps=max_steps, name="react")
    if max_steps is not None and max_steps < 1:
        raise ValueError(f"max_steps={max_steps}: it must be at least 1")
    calls = CALLS if max_steps is None else max_steps
    agent = ToolUser(model, instructions=instructions)
    return use_tools(agent, tools, max_calls=calls, name="react")
