"""LeaP: parallel lines of reasoning that stop to tell each other what they have found.

Several paths reason on the same problem. After T tokens each live path drops its unfinished
paragraph, writes a short summary of where it stands, and then reads summaries of others, chosen by
how alike they are to its own: the least alike (dispersed), the most alike (clustered), half of each
(hybrid), or all. With these before it, it goes on. A path that has ended is final and leaves the
exchange; the last live path reads that there are no comments. After the last turn every path that
is still at it has to answer, and the majority decides.

Paper: "Learning from Peers in Reasoning Models", arXiv 2505.07787; numbers from its repository,
whose hybrid may list a peer twice; here it does not.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from langchain_core.language_models import BaseChatModel

from ...agents import Actor, Agent, TeamState
from ...episodes.paper import Paper
from ..choosing import Chooser
from ..segment import Control, Go, Writing, segment
from ..selectors import majority
from ..similar import likeness
from ..team import Team

PAPER = Paper(title="Learning from Peers in Reasoning Models", arxiv="2505.07787", kind="graph")
Routing = Literal["dispersed", "clustered", "hybrid", "all"]
RECAP = "\n\nLet me recap what I have so far.\n<summary>"
CLOSE = "</summary>"
COMMENTS = "\n<comments>\n{comments}\n</comments>\nLet me compare these with my own and go on.\n"
NONE = "(no comments)"
FORCED = "\n\nI have to answer now.\n"
PROMPT = (
    "Solve the problem step by step, then give the answer. On the way you may write a <summary> "
    "and read <comments> by peers who work on the same problem; they may be wrong."
)


def leap(
    model: BaseChatModel | Agent,
    *,
    n: int = 4,
    tokens: int = 2048,
    summary_tokens: int = 256,
    turns: int = 5,
    routing: Routing = "dispersed",
    k: int = 2,
    select: Chooser = majority,
) -> Team:
    """A team of one actor on several paths that learn from each other.

    Args:
        n: paths.
        tokens: between exchanges (T).
        summary_tokens: of a summary, at most.
        turns: stretches of reasoning; after the last, the answer is forced.
        routing: whose summaries a path reads.
        k: how many.

    Raises:
        ValueError: a number is not positive, or the routing is unknown.
    """
    if min(n, tokens, summary_tokens, turns, k) < 1:
        raise ValueError(f"n={n}, tokens={tokens}, turns={turns}, k={k}: each is at least 1")
    if routing not in ("dispersed", "clustered", "hybrid", "all"):
        raise ValueError(f"routing={routing!r}: choose dispersed, clustered, hybrid or all")
    agent = model if isinstance(model, Agent) else Actor(model, instructions=PROMPT)
    control = exchanging(tokens, summary_tokens, turns, routing, k)
    return segment(agent, control, paths=n, select=select, max_pauses=2 * turns + 2, name="leap")


def exchanging(tokens: int, summary_tokens: int, turns: int, routing: Routing, k: int) -> Control:
    """The control that lets paths reason, summarise and read in turn."""

    def control(writing: Writing, paths: Sequence[Writing], state: TeamState) -> Go:
        if writing.ended:
            return Go(done=True)
        phase, turn = writing.memo.get("phase", "start"), writing.memo.get("turn", 1)
        if phase == "start":
            return Go(max_tokens=tokens, memo={"phase": "reason", "turn": 1})
        if phase == "forced":
            return Go(done=True)
        if phase == "reason" and turn >= turns:
            return Go(inject=FORCED, memo={"phase": "forced", "turn": turn})
        if phase == "reason":
            last = writing.pieces[-1].text
            whole = last.rfind("\n\n")
            return Go(
                trim=whole if whole > 0 else None,
                inject=RECAP,
                max_tokens=summary_tokens,
                until=(CLOSE,),
                memo={"phase": "summarise", "turn": turn},
            )
        live = [each for each in paths if not each.final and each.path != writing.path]
        heard = chosen_peers(summary(writing), {p.path: summary(p) for p in live}, routing, k)
        comments = "\n".join(f"Peer {path}: {said}" for path, said in heard.items()) or NONE
        closed = "" if CLOSE in writing.pieces[-1].text else CLOSE
        return Go(
            inject=closed + COMMENTS.format(comments=comments),
            max_tokens=tokens,
            memo={"phase": "reason", "turn": turn + 1},
        )

    return control


def summary(writing: Writing) -> str:
    """The last summary that a path wrote, whether it closed it or not."""
    _, _, said = writing.text.rpartition("<summary>")
    return said.partition("</summary>")[0].strip()


def chosen_peers(own: str, peers: dict[int, str], routing: Routing, k: int) -> dict[int, str]:
    """The peers whose summaries a path reads, by path."""
    far = sorted(peers, key=lambda path: (likeness(own, peers[path]), path))
    near = sorted(peers, key=lambda path: (-likeness(own, peers[path]), path))
    if routing == "hybrid":
        first = far[: (k + 1) // 2]
        picked = first + [path for path in near if path not in first][: k // 2]
    else:
        picked = {"dispersed": far[:k], "clustered": near[:k], "all": sorted(peers)}[routing]
    return {path: peers[path] for path in picked}
