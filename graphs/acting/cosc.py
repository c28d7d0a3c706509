"""CoSC: a chain of self-correction with a program at each link.

In each round the model writes a program, which is run in the sandbox; then it verifies in two steps
(does the program match the question, is its output consistent with the question) and concludes:
revise, which begins another round with all before it in sight, or the final answer. After the last
round the answer is what the last program printed.

Paper: "Embedding Self-Correction as an Inherent Ability in Large Language Models for Enhanced
Mathematical Reasoning", arXiv 2410.10735. The authors' code was not found; the cap of three rounds
is recalled. Its training (keep trajectories with the right answer, mask outputs) is not here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Literal

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage

from ...agents import Actor, Agent, Critique, Proposal, TeamState
from ...episodes.paper import Paper
from ...models.formats import Output
from ..programs import Program, printed
from ..refine import refine
from ..team import Team, stopped

PAPER = Paper(
    title=(
        "Embedding Self-Correction as an Inherent Ability in Large Language Models for Enhanced "
        "Mathematical Reasoning"
    ),
    arxiv="2410.10735",
    kind="graph",
)
ROUNDS = 3
WRITE = "Write a Python program that prints the answer to the question."
VERIFY = (
    "Verify in two steps: does the program match the question, and is its output consistent with "
    "the question? Then conclude: revise, or give the final answer."
)
Execute = Callable[[str], Awaitable[str]]
"""Runs a program and gives what it printed, or its error."""


class Verification(Output):
    """What the verifier says of a program and its output."""

    program_check: str = ""
    output_check: str = ""
    conclusion: Literal["revise", "answer"]
    answer: str = ""


class Link(Proposal):
    """One round: a program, what it printed, and what was made of that."""

    code: str
    output: str
    verification: Verification | None = None

    @property
    def value(self) -> str:
        """The concluded answer, else what was printed."""
        verified = self.verification
        concluded = verified.answer if verified and verified.conclusion == "answer" else ""
        return concluded or self.output.strip() or "(nothing was printed)"


def cosc(model: BaseChatModel, *, rounds: int = ROUNDS, execute: Execute = printed) -> Team:
    """A team of one model that programs, verifies and concludes.

    Args:
        rounds: programs, at most.
        execute: runs a program; by default in a sandbox opened for it.

    Raises:
        ValueError: `rounds` is not positive.
    """
    if rounds < 1:
        raise ValueError(f"rounds={rounds}: at least one program is needed")
    programmer = Actor(model, name="programmer", instructions=WRITE, output=Program)
    verifier = Agent(model, name="verifier", instructions=VERIFY, output=Verification)

    async def link(state: TeamState) -> dict[str, Any]:
        past = [each.draft for each in state.get("said", ()) if isinstance(each.draft, Link)]
        asked: list[Any] = [*state.get("messages", ())]
        asked += [line for each in past for line in lines(each)]
        update = await programmer({"messages": asked})
        program = update["draft"]
        if program is None:
            return update
        made = Link(code=program.value, output=await execute(program.value))
        asked += lines(made)
        judged = await verifier({"messages": asked})
        verification = judged.get("draft")
        return {"draft": made.model_copy(update={"verification": verification}), **stopped(judged)}

    async def concluded(state: TeamState) -> dict[str, Any]:
        draft = state.get("draft")
        verification = draft.verification if isinstance(draft, Link) else None
        done = verification is not None and bool(
            verification.conclusion == "answer" and verification.answer
        )
        return {"critique": Critique(verdict="correct" if done else "incorrect")}

    return refine(link, concluded, rounds=rounds - 1, name="cosc")


def lines(link: Link) -> Sequence[BaseMessage]:
    """A round as the conversation that it was."""
    said: list[BaseMessage] = [
        AIMessage(f"<code>\n{link.code}\n</code>"),
        HumanMessage(f"The program printed:\n{link.output}"),
    ]
    if link.verification is not None:
        checks = (link.verification.program_check, link.verification.output_check)
        said.append(AIMessage("\n".join([*filter(None, checks), link.verification.conclusion])))
    return said
