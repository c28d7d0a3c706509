"""Self-debugging: a coder mends its program from what tests, or its own reading of it, tell.

The coder writes a program; feedback comes back; while that finds fault, the coder writes a whole
new program, having read all before and what was said of them, up to ten times. The last program
stands. The feedback is one of these:

- `simple`: whether the visible tests passed, and no more;
- `ut`: the visible tests that failed, with what the program gave or the error that it ended in;
- `expl`: the model explains the program step by step, compares that with the task, and says itself
  whether it is right; nothing is run;
- `ut+expl`: the tests decide, and where they fail both they and an explanation are told;
- `trace`, `ut+trace`: likewise, with the model following the program's execution by hand.

Where tests decide, a program that passes costs no further call, and the model's opinion of one that
fails is not asked for. Hidden tests are no part of this: see `graphs.programs`.

Paper: "Teaching Large Language Models to Self-Debug", arXiv 2304.05128. There was no code to read:
the words are ours, without the few-shot examples, and the first program is one sample; the paper
may also choose it by a vote over what several give.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, get_args

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage, HumanMessage

from ...agents import Critic, Critique, Issue, Reviser, TeamState
from ...agents.state import draft_of
from ...episodes.paper import Paper
from ..programs import Program, Runner, failing, in_sandbox, told, visible_tests
from ..refine import refine
from ..team import Team

PAPER = Paper(
    title="Teaching Large Language Models to Self-Debug",
    arxiv="2304.05128",
    kind="graph",
)
TURNS = 10
"""Programs after the first, at most."""
Feedback = Literal["simple", "ut", "expl", "ut+expl", "trace", "ut+trace"]
CODE = (
    "Write a Python program that solves the task. When told what is wrong with it, write it anew."
)
READ = {
    "expl": "Explain the program line by line: what each line does, and what the whole does.",
    "trace": (
        "Follow the program's execution by hand on an example: after each line, what do the "
        "variables hold, and what is given back at the end?"
    ),
}
COMPARE = (
    "Compare that with what the task asks for, in `reasoning`, then say whether the program is "
    "correct and what to change."
)


class Reader(Critic):
    """Reads a program closely; of what tests said of it, it is told in `critique`."""

    role = "reader"

    def brief(self, state: TeamState) -> Sequence[BaseMessage]:
        messages = [*super().brief(state)]
        if (failed := state.get("critique")) is not None:
            messages.append(HumanMessage(f"It fails tests:\n{self.format.render(failed)}"))
        return messages


def self_debug(
    model: BaseChatModel,
    feedback: Feedback = "ut+expl",
    *,
    reader: BaseChatModel | None = None,
    turns: int = TURNS,
    run: Runner = in_sandbox,
) -> Team:
    """A team of one model that writes a program and debugs it.

    Args:
        feedback: what the coder is told of a program; see above.
        reader: the model that explains or traces; the coder's by default.
        turns: programs after the first, at most.
        run: runs the visible tests; by default in a sandbox opened for each program.

    While it runs it raises ValueError when the feedback needs visible tests and the task has none.

    Raises:
        ValueError: there is no such feedback, or `turns` is negative.
    """
    if feedback not in get_args(Feedback):
        raise ValueError(f"feedback={feedback!r}: choose {', '.join(get_args(Feedback))}")
    parts = feedback.split("+")
    tested = parts[0] in ("simple", "ut")
    reads = READ.get(parts[-1])
    critic = reads and Reader(reader or model, instructions=f"{reads} {COMPARE}")

    async def debug(state: TeamState) -> dict[str, Any]:
        if not tested:
            assert critic
            return await critic({**state, "critique": None})
        failed = await failing(draft_of(state), visible_tests(state), run)
        if not failed:
            return {"critique": Critique(verdict="correct")}
        shown = failed if parts[0] == "ut" else ()
        issues = tuple(Issue(reason=told(*each)) for each in shown)
        tests = Critique(verdict="incorrect", issues=issues)
        if not critic:
            return {"critique": tests}
        update = await critic({**state, "critique": tests})
        if (read := update["critique"]) is not None:
            words = {"reasoning": read.reasoning, "suggestion": read.suggestion}
            tests = tests.model_copy(update=words)
        return {**update, "critique": tests}

    return refine(
        Reviser(model, instructions=CODE, output=Program, name="coder"),
        debug,
        rounds=turns,
        name="self_debug",
    )
