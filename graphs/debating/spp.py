"""SPP: one model plays a whole team in a single reply.

The model is shown how to work: name the participants whom the task calls for, beside the assistant
who leads them; let them give advice; draft a solution; let them criticise it and revise it until
all are content; then finish with a final answer. Two worked examples show the form. It is one call:
the participants are in the reply, not in the graph, and what they say is read as one text. Where
the closing words are missing the whole reply counts as the answer, marked `parse_ok=False`.

The paper finds that it helps GPT-4 and not smaller models.

Paper: "Unleashing Cognitive Synergy in Large Language Models: A Task-Solving Agent through
Multi-Persona Self-Collaboration", arXiv 2307.05300. Instructions and examples are ours. It
samples greedily, up to 5,000 tokens: settings of the model. The variants with fixed participants,
with profiles and with one example are left out.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TypeVar

from langchain_core.language_models import BaseChatModel
from pydantic import BaseModel

from ...agents import Actor, Proposal
from ...episodes.paper import Paper
from ..answer import answer
from ..team import Team

PAPER = Paper(
    title=(
        "Unleashing Cognitive Synergy in Large Language Models: A Task-Solving Agent through "
        "Multi-Persona Self-Collaboration"
    ),
    arxiv="2307.05300",
    kind="agent | metric | finding",
)
T = TypeVar("T", bound=BaseModel)
LEADER = "AI Assistant"
FINISH = "Finish collaboration!"
FINAL = "Final answer:"
INSTRUCTIONS = f"""\
For the task you are given, first name the participants who will contribute to solving it: yourself,
written `{LEADER} (you)`, and the experts whom it calls for. Then let them work together in rounds:
experts give advice, you draft a solution, they criticise it and you revise it, until everybody is
content. Then write `{FINISH}` and, after `{FINAL}`, the solution alone."""
EXAMPLES = f"""\
Example task: Make 24 from the numbers 2, 4, 6 and 8, each used once, with + - * and /.
Participants: {LEADER} (you); Arithmetician; Careful Reader
Start collaboration!
Arithmetician: 48 is easy to reach, 6 * 8. Half of it is 24.
{LEADER} (you): 6 * 8 / 2 = 24
Careful Reader: That leaves out 4. Every number has to be used once.
Arithmetician: A 2 can be made with the 4: 4 - 2.
{LEADER} (you): 6 * 8 / (4 - 2) = 24
Careful Reader: 2, 4, 6 and 8 are each used once, and 48 / 2 is 24. I am content.
{FINISH}
{FINAL} 6 * 8 / (4 - 2) = 24

Example task: Write two lines about rain, of five words each, both ending in `window`.
Participants: {LEADER} (you); Poet
Start collaboration!
Poet: Let the first line be the rain's and the second the listener's.
{LEADER} (you): Soft rain taps my window / I sleep beside the window
Poet: Five words each, and both end well, but the second has lost the rain: let it be heard.
{LEADER} (you): Soft rain taps my window / Night listens at its window
Poet: I am content.
{FINISH}
{FINAL} Soft rain taps my window / Night listens at its window"""
_PARTICIPANTS = re.compile(r"^\W*participants\W*:(.*)$", re.IGNORECASE | re.MULTILINE)
_FINAL = re.compile(re.escape(FINAL.rstrip(":")) + r"\W*:", re.IGNORECASE)


class Collaboration(Proposal):
    """What a team that one model plays came up with."""

    participants: tuple[str, ...] = ()
    """The experts; the leader is always there besides."""
    answer: str
    parse_ok: bool = True
    """False where the reply had no final answer, and is all taken for it."""

    @property
    def value(self) -> str:
        return self.answer


class Transcript:
    """The form of a collaboration: names first, the solution last."""

    name = "transcript"

    def instructions(self, output: type[BaseModel]) -> str:
        return f"{INSTRUCTIONS}\n\n{EXAMPLES}"

    def render(self, value: BaseModel) -> str:
        said = Collaboration.model_validate(value)
        named = "; ".join([f"{LEADER} (you)", *said.participants])
        return f"Participants: {named}\n{FINISH}\n{FINAL} {said.answer}"

    def parse(self, text: str, output: type[T]) -> T | None:
        if not text.strip():
            return None
        solution = _FINAL.split(text)[-1].strip()
        complete = bool(solution and _FINAL.search(text))
        return output.model_validate(
            {
                "participants": participants(text),
                "answer": solution if complete else text.strip(),
                "parse_ok": complete,
            }
        )


def spp(model: BaseChatModel) -> Team:
    """A team of one model that plays a team: one call."""
    solo = Actor(model, name="spp", instructions="", output=Collaboration, format=Transcript())
    return answer(solo, name="spp")


def participants(text: str) -> tuple[str, ...]:
    """The experts whom a reply names, without the leader."""
    found = _PARTICIPANTS.search(text)
    names = re.split(r"[;,]", found[1]) if found else []
    stripped = [name.strip(" .*`") for name in names]
    return tuple(name for name in stripped if name and not name.startswith(LEADER))


def mentioned(story: str, answers: Sequence[Sequence[str]]) -> float:
    """The share of trivia questions that a story answers, of which it names an alias, whatever the
    case: the paper's measure for creative writing with facts.

    Args:
        answers: the aliases of the answer to each question.

    Raises:
        ValueError: there is no question.
    """
    if not answers:
        raise ValueError("answers is empty: there is no question to answer")
    told = story.casefold()
    return sum(any(a.casefold() in told for a in aliases) for aliases in answers) / len(answers)
