"""Self-play on Kuhn poker with the bundled model: payoffs before and after, with a control.

`tiny` has never seen the game and says nothing readable in it, so it is first taught how to speak:
supervised, on random possible moves of one hand, which hold no skill. Then SPIRAL plays that model
against itself. What it is paid against two built-in players that it never met in training, `random`
and `nash`, is measured before and after. The control is the same but for the payoffs, which are
shuffled among the games of an iteration.

    python examples/spiral_kuhn.py [ITERATIONS]

writes `examples/results/spiral_kuhn.md`. In a single hand only winning counts, not chips: folding
always loses, so best play never folds and bets with anything.
"""

from __future__ import annotations

import asyncio
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage
from transformers import AutoTokenizer
from transformers.utils import logging

from symposia import Episode, ScriptedModel, ToolAgent, act, make_environment
from symposia.benchmarks import Report, evaluate
from symposia.benchmarks.games import Kuhn, play_match
from symposia.models.load import TINY
from symposia.models.local import LocalChatModel
from symposia.training import Row
from symposia.training.builders import written
from symposia.training.loop import Plan, Stage, train
from symposia.training.recipes.spiral import SPIRAL, role
from symposia.training.trainer import Supervised, UpdateSettings
from symposia.training.trainer.learner import Learner
from symposia.training.trainer.policy import Policy

RULES = {"rounds": 1}
TAUGHT = 300
"""Games of random moves."""
TESTED = 100
"""Games against each built-in player, half of them in each seat."""
TOKENS = 16
"""Of a reply; a move takes 11."""
RESULTS = Path(__file__).parent / "results" / "spiral_kuhn.md"
KINDS = {"system": SystemMessage, "user": HumanMessage, "assistant": AIMessage}


class Shuffled(SPIRAL):
    """The control: payoffs of other games."""

    async def rows(self, episodes: Sequence[Episode], stage: Stage):
        dealt = {}
        for each in episodes:
            dealt.setdefault(role(each), []).append(each.outcome)
        for outcomes in dealt.values():
            stage.rng.shuffle(outcomes)
        return await super().rows(
            [replace(each, outcome=dealt[role(each)].pop()) for each in episodes], stage
        )


async def conversations() -> list[Row]:
    """Hands between players who take any possible move."""
    rng = random.Random(0)

    def anything(messages: list[BaseMessage]) -> str:
        possible = messages[-1].text.rpartition("Possible: ")[2].splitlines()[0]
        return f"<action>{rng.choice(possible.split(', '))}</action>"

    tokenizer = AutoTokenizer.from_pretrained(TINY)
    team = act(ToolAgent(ScriptedModel(anything)))
    rows: list[Row] = []
    for seed in range(TAUGHT):
        for episode in await play_match(team, Kuhn(**RULES), seed=-1 - seed):
            for turn in episode.turns:
                said = [KINDS[each["role"]](each["content"]) for each in turn.messages]
                reply = AIMessage(turn.reply["content"])
                rows += written(tokenizer, [*said, reply], [False] * len(said) + [True])
    return rows


def taught(rows: Sequence[Row], out: Path) -> None:
    """`tiny`, able to say a move."""
    settings = UpdateSettings(
        learning_rate=5e-3, epochs=4, batch=32, schedule="linear", device="cpu"
    )
    Learner(Policy(TINY, None, "cpu"), settings).update(TINY, rows, Supervised(), out)


async def payoff(folder: Path, opponent: str) -> tuple[float, float]:
    """Mean payoff against a built-in player, and the share of games that were forfeited."""
    model = LocalChatModel(path=str(folder), max_tokens=TOKENS, temperature=1.0)
    table = make_environment("kuhn", rules=RULES, opponent=opponent, games=TESTED)
    team = act(ToolAgent(model), unread_limit=1)
    report: Report = await evaluate(team, table, seed=1, progress=False)
    paid = [row.remarks.get("payoff", -1.5) for row in report.rows]  # -1.5 if it could not be read
    return sum(paid) / len(paid), sum(each == -1.5 for each in paid) / len(paid)


async def main(iterations: int) -> None:
    logging.disable_progress_bar()
    began = time.perf_counter()
    lines = ["| weights | against | payoff | forfeits |", "|---|---|---|---|"]

    async def measured(name: str, folder: Path) -> None:
        for opponent in ("random", "nash"):
            mean, forfeits = await payoff(folder, opponent)
            lines.append(f"| {name} | {opponent} | {mean:+.2f} | {forfeits:.0%} |")
            print(f"{time.perf_counter() - began:5.0f} s", lines[-1], flush=True)

    with tempfile.TemporaryDirectory() as place:
        base = Path(place) / "taught"
        taught(await conversations(), base)
        await measured("tiny", TINY)
        await measured("taught to speak", base)
        plan = Plan(
            base=base,
            iterations=iterations,
            tasks=32,
            attempts=2,
            lora=None,
            update=UpdateSettings(learning_rate=5e-4, device="cpu"),
            evaluate_every=0,
            test_tasks=2,
            max_tokens=TOKENS,
        )
        for name, recipe in {"SPIRAL": SPIRAL, "shuffled payoffs": Shuffled}.items():
            table = make_environment("kuhn", rules=RULES)
            out = await train(recipe(length=TOKENS), table, plan, Path(place) / name)
            await measured(name, out.versions["policy"])
    RESULTS.parent.mkdir(exist_ok=True)
    about = (
        f"After {iterations} iterations; {TESTED} games against each player, so a payoff has a "
        f"standard error of about {TESTED**-0.5:.2f}.\n\n"
    )
    RESULTS.write_text(about + "\n".join(lines) + "\n")


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 8))
