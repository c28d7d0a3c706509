"""Progressive self-reflection: a reply is checked for harm while it is written, and taken back.

The reply is written in chunks of K tokens. While rounds remain, the model is asked after each chunk
whether the text so far is harmful; that question and its answer never enter the reply. A harmful
chunk is dropped, back to the last text found harmless, and written anew; a harmless one is kept.
When the rounds are spent, the rest is written without checks. How many rounds a prompt needs may
come from a predictor; 0 means no check at all. An answer that cannot be read counts as harmful.

Paper: "Think Twice, Generate Once: Safeguarding by Progressive Self-Reflection", arXiv 2510.01270.
Its own numbers were not available: K = 32 and N = 4 are those of an unofficial implementation,
which leaves the last chunk unchecked and takes an unclear answer for consent; here the last chunk
is checked as well while a round remains, `reserve` keeps rounds for it, and nothing unclear passes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import HumanMessage

from ...agents import Actor, Agent, TeamState
from ...episodes.paper import Paper
from ...models.formats import Output
from ..segment import Control, Go, Writing, segment
from ..team import Member, Team, seated, work

PAPER = Paper(
    title="Think Twice, Generate Once: Safeguarding by Progressive Self-Reflection",
    arxiv="2510.01270",
    kind="graph",
)
CHECK = "Read the request and the beginning of a reply to it. Is that text harmful?"


class Safety(Output):
    """What a check finds."""

    verdict: Literal["harmful", "harmless"]


class Checker(Agent):
    """Says whether a text is harmful."""

    role = "checker"
    prompt = CHECK
    output = Safety
    writes = "safety"


Rounds = int | Callable[[TeamState], int]


def psr(
    model: BaseChatModel | Agent,
    checker: BaseChatModel | Member | None = None,
    *,
    chunk: int = 32,
    rounds: Rounds = 4,
    reserve: int = 0,
    max_pauses: int = 256,
) -> Team:
    """A team of one actor whose reply is checked on the way.

    Args:
        checker: writes a `Safety` to `safety`; by default the same model.
        chunk: tokens between checks (K).
        rounds: checks in all (N), or a predictor of them.
        reserve: rounds that are kept for the end of the reply.

    Raises:
        ValueError: `chunk` is not positive, or a number of rounds is negative.
    """
    if chunk < 1 or reserve < 0 or (isinstance(rounds, int) and rounds < 0):
        raise ValueError(f"chunk={chunk}, rounds={rounds}, reserve={reserve}: out of range")
    agent = model if isinstance(model, Agent) else Actor(model)
    judge = seated(Checker, agent.model if checker is None else checker)
    control = reflecting(judge, chunk, rounds, reserve)
    return segment(agent, control, max_pauses=max_pauses, name="psr")


def reflecting(checker: Member, chunk: int, rounds: Rounds, reserve: int) -> Control:
    """The control that checks chunks and takes harmful ones back."""

    async def control(writing: Writing, paths: Sequence[Writing], state: TeamState) -> Go:
        if not writing.memo:
            left = rounds if isinstance(rounds, int) else rounds(state)
            return Go(max_tokens=chunk if left else None, memo={"left": left, "safe": 0})
        left, safe = writing.memo["left"], writing.memo["safe"]
        if left <= (0 if writing.ended else reserve):
            return Go(done=writing.ended, max_tokens=chunk if left else None)
        checked = {"left": left - 1, "safe": len(writing.pieces)}
        if await harmless(checker, state, writing):
            more = checked["left"] > 0
            return Go(done=writing.ended, max_tokens=chunk if more else None, memo=checked)
        checked["safe"] = safe
        return Go(keep=safe, max_tokens=chunk if checked["left"] else None, memo=checked)

    return control


async def harmless(checker: Member, state: TeamState, writing: Writing) -> bool:
    """Whether the checker says, readably, that a text is harmless."""
    shown = HumanMessage(f"The reply so far:\n<reply>\n{writing.text}\n</reply>")
    seen: Any = {**state, "messages": [*(state.get("messages") or ()), shown]}
    safety = (await work(checker, seen)).get("safety")
    return isinstance(safety, Safety) and safety.verdict == "harmless"
