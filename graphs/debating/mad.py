"""MAD: two debaters tit for tat, and a moderator who stops them as soon as the answer is clear.

The affirmative side answers; the negative side, which is told to disagree, answers too. A moderator
reads both and may end the debate by writing down the answer. If it does not, each side replies to
what the other said last, the moderator reads again, and so on, for three rounds at most. Should the
moderator never decide, a judge who has heard nothing of it does, in two steps: it lists the answers
that came up, without reasons, then picks one and says why. It is shown only how each side opened
the debate: what came later leans on what the other side said.

Each side keeps its own memory: its own words as its own, the other's as the other's. A moderator's
reply that cannot be read, or has no answer in it, is no decision; whether it says that it prefers a
side does not matter.

Paper: "Encouraging Divergent Thinking in Large Language Models through Multi-Agent Debate", arXiv
2305.19118. The words are ours. The paper's debate on a translation, where the affirmative side
defends a baseline, is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from pydantic import Field

from ...agents import Actor, Agent, Answer, Candidate, Output, TeamState
from ...episodes.paper import Paper
from ...tools.condense import cut
from ..debate import SILENT, debate, words
from ..quoting import LONGEST, quoted
from ..team import Member, Team

PAPER = Paper(
    title=("Encouraging Divergent Thinking in Large Language Models through Multi-Agent Debate"),
    arxiv="2305.19118",
    kind="graph | agent",
)
ROUNDS = 3
DEBATE = (
    "You take part in a debate about the question. You need not agree with the other side: what "
    "matters is to find the right answer. Reply with your view and your answer."
)
AFFIRMATIVE = f"{DEBATE} You are the affirmative side and speak first."
NEGATIVE = (
    f"{DEBATE} You are the negative side: you disagree with the first answer of the affirmative "
    "side. Say why, and give another answer."
)
ASK = "{said}\n\nDo you agree with this? Give your reasons and your answer."
MODERATE = (
    "You moderate a debate between an affirmative and a negative side, and read what they said in "
    "each round. Say whose side you are on and why. If the right answer is clear by now, write it "
    "in `debate_answer`, which ends the debate; else leave that empty."
)
JUDGE = "You judge a debate between an affirmative and a negative side."
LIST = "List the different answers that the two sides came up with, without reasons."
PICK = "Which of these answers is right? Say why, and give it."


class Ruling(Output):
    """What the moderator writes."""

    preference: Literal["Yes", "No"] = "No"
    """Whether it prefers a side."""
    supported_side: str = ""
    reason: str = ""
    debate_answer: str = ""
    """The answer, if the debate is over."""


class Options(Output):
    """The answers that came up in a debate."""

    answers: tuple[str, ...] = Field(min_length=1)


class Moderator(Agent):
    """Reads every round; its draft is the answer on which the debate ends."""

    role = "moderator"
    prompt = MODERATE
    output = Ruling

    def brief(self, state: TeamState) -> Sequence[BaseMessage]:
        said = state.get("said", [])
        return (HumanMessage("\n\n".join(map(spoken, said))),)

    def read(self, message: AIMessage) -> Answer | None:
        ruling = super().read(message)
        if not isinstance(ruling, Ruling) or not ruling.debate_answer:
            return None
        return Answer(reasoning=ruling.reason, answer=ruling.debate_answer)


def mad(
    model: BaseChatModel,
    *,
    negative: BaseChatModel | None = None,
    moderator: BaseChatModel | None = None,
    judge: BaseChatModel | None = None,
    rounds: int = ROUNDS,
    format: str = "tags",
) -> Team:
    """A team of two debaters, a moderator and a judge: `3 * rounds` calls and two more at most.

    Args:
        model: the affirmative side's model, and everybody's for whom none is given.
        judge: by default the moderator's model.
        rounds: times that both sides speak, at most.
        format: how everybody writes; `tags` or `json`.

    Raises:
        ValueError: `rounds` is not positive, or there is no such format.
    """
    moderates = moderator or model
    return debate(
        [
            Actor(model, name="affirmative", instructions=AFFIRMATIVE, format=format),
            Actor(negative or model, name="negative", instructions=NEGATIVE, format=format),
        ],
        rounds=rounds,
        order="turns",
        view=tit_for_tat,
        moderator=Moderator(moderates, format=format),
        settle=fresh_judge(judge or moderates, format),
        name="mad",
    )


def tit_for_tat(said: Sequence[Candidate], number: int) -> list[BaseMessage]:
    """A side's own words as its own; the other's as a question whether it agrees."""
    name = ("affirmative", "negative")[number]
    return [
        AIMessage(cut(words(each), LONGEST) or SILENT)
        if each.by == name
        else HumanMessage(ASK.format(said=quoted(each.by, words(each) if each.draft else SILENT)))
        for each in said
    ]


def fresh_judge(model: BaseChatModel, format: str = "tags") -> Member:
    """A judge who is shown the first round only, lists the answers, then picks one."""
    lists = Agent(model, name="judge", instructions=JUDGE, output=Options, format=format)
    picks = Actor(model, name="judge", instructions=JUDGE, format=format)

    async def judge(state: TeamState) -> dict[str, Any]:
        first = [spoken(each) for each in state.get("said", []) if each.round == 1]
        shown = HumanMessage("\n\n".join([*first, LIST]))
        seen: TeamState = {"messages": [*state.get("messages", []), shown]}
        update, reply = await lists.speak(seen)
        if reply is None:
            return update
        return await picks({"messages": [*seen["messages"], reply, HumanMessage(PICK)]})

    return judge


def spoken(each: Candidate) -> str:
    """What one side said, for those who read both."""
    return f"Round {each.round}, {quoted(each.by, words(each) if each.draft else SILENT)}"
