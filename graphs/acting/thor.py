"""THOR's inference: reasoning with code, where a block that fails is taken back and written anew.

The reply is reasoning with Python blocks. When a block is complete it is run in the sandbox, and
its output is put in after it. When it fails, the block and a stretch of the reasoning before it are
dropped, and the model goes on from there, up to four times for the whole reply; after that the
error is put in like an output.

Paper: "THOR: Tool-Integrated Hierarchical Optimization via RL for Mathematical Reasoning", arXiv
2509.13761, whose repository drops 500 tokens and has this switched off by default. Here what is
dropped is counted in characters, and no piece before the block's own is touched. Its training is
not here.
"""

from __future__ import annotations

from collections.abc import Sequence

from langchain_core.language_models import BaseChatModel

from ...agents import Actor, Agent, TeamState
from ...episodes.paper import Paper
from ..programs import Run, ran
from ..segment import Control, Go, Writing, segment
from ..team import Team

PAPER = Paper(
    title="THOR: Tool-Integrated Hierarchical Optimization via RL for Mathematical Reasoning",
    arxiv="2509.13761",
    kind="graph",
)
TRIES = 4
DROPPED = 2_000
"""Characters of reasoning that are dropped before a failed block: some 500 tokens."""
OPEN, CLOSE = "```python", "```"
OUTPUT = "\n```output\n{text}\n```\n"
PROMPT = (
    "Solve the problem step by step. Where something is to be computed, write a ```python block "
    "that prints it; its output follows the block. Then give the answer."
)


def thor(
    model: BaseChatModel | Agent,
    *,
    tries: int = TRIES,
    dropped: int = DROPPED,
    blocks: int = 8,
    run: Run = ran,
) -> Team:
    """A team of one actor that computes while it reasons.

    Args:
        tries: failed blocks that are taken back.
        dropped: characters of reasoning that go with a failed block.
        blocks: blocks that are run, at most.
        run: runs a block; by default in a sandbox opened for it.

    Raises:
        ValueError: a number is negative, or no block may run.
    """
    if min(tries, dropped) < 0 or blocks < 1:
        raise ValueError(f"tries={tries}, dropped={dropped}, blocks={blocks}: out of range")
    agent = model if isinstance(model, Agent) else Actor(model, instructions=PROMPT)
    control = computing(tries, dropped, blocks, run)
    return segment(agent, control, max_pauses=2 * (blocks + tries) + 2, name="thor")


def computing(tries: int, dropped: int, blocks: int, run: Run) -> Control:
    """The control that runs blocks as they are written."""

    async def control(writing: Writing, paths: Sequence[Writing], state: TeamState) -> Go:
        memo = dict(writing.memo) or {"tries": 0, "blocks": 0}
        last = writing.pieces[-1].text if writing.pieces else ""
        if writing.ended or memo["blocks"] >= blocks:
            return Go(done=writing.ended)
        if last.endswith(OPEN):
            return Go(until=(CLOSE,), memo=memo)
        if len(writing.pieces) < 2 or not writing.pieces[-2].text.endswith(OPEN):
            return Go(until=(OPEN,), memo=memo)
        if not last.endswith(CLOSE):  # cut off within the block
            return Go(done=True)
        output, failed = await run(last.removesuffix(CLOSE))
        memo["blocks"] += 1
        if failed and memo["tries"] < tries:
            memo["tries"] += 1
            reasoning = writing.pieces[-2].text.removesuffix(OPEN)
            kept = max(len(reasoning) - dropped, 0)
            place = len(writing.pieces) - 1
            return Go(keep=place, trim=kept, until=(OPEN,), memo=memo)
        return Go(inject=OUTPUT.format(text=output), until=(OPEN,), memo=memo)

    return control
