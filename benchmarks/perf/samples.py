"""From the record to training rows: how exact, how fast, and how many tokens are forwarded.

The bundled model plays generated ALFWorld games, and the turns are made into rows in three ways:
each turn by itself, turns joined where the prompt goes on, and, as is usual, the recorded text
tokenised again by transformers' `apply_chat_template`. Exact is a row that holds what was read and
sampled, id for id. Forwarded is the number of tokens in all rows, over those of the joined rows.

    python benchmarks/perf/samples.py
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import time
from collections.abc import Callable
from typing import Any

from transformers import AutoTokenizer

from symposia import Episode, load_model, make_environment, play
from symposia.benchmarks.sessions import Sessions
from symposia.graphs.acting import react
from symposia.models.load import TINY
from symposia.training import Sample, samples
from symposia.training.rewards import everywhere

Ids = tuple[int, ...]


async def record(games: int) -> tuple[list[Episode], Any]:
    """Games played by the bundled model, and its tokenizer."""
    team, env = react(load_model("tiny")), make_environment("alfworld")
    episodes = []
    async with Sessions(env) as sessions:
        for task in env.tasks("generated")[:games]:
            async with sessions.world(task) as world:
                episodes.append(await play(team, task, world))
    return episodes, AutoTokenizer.from_pretrained(TINY)


def exact(episode: Episode, row: Sample) -> bool:
    """Whether the row holds each of its turns where it was read and sampled."""
    for turn in episode.turns:
        if turn.id in row.turns:
            assert turn.tokens is not None
            whole = turn.tokens.prompt_ids + turn.tokens.completion_ids
            trained = row.loss_mask[len(turn.tokens.prompt_ids) : len(whole)]
            if row.ids[: len(whole)] != whole or not all(trained):
                return False
    return True


def tokenised_again(episode: Episode, tokenizer: Any) -> list[Ids]:
    return [
        tuple(tokenizer.apply_chat_template([*t.messages, t.reply], return_dict=True)["input_ids"])
        for t in episode.turns
    ]


def timed(work: Callable[[], Any], repeats: int) -> float:
    """The median of CPU seconds."""
    seconds = []
    for _ in range(repeats):
        began = time.process_time()
        work()
        seconds.append(time.process_time() - began)
    return statistics.median(seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--games", type=int, default=8)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    episodes, tokenizer = asyncio.run(record(options.games))
    credits = [everywhere(episode, 1.0) for episode in episodes]

    def made(join: bool) -> list[list[Sample]]:
        return [samples(e, c, join=join) for e, c in zip(episodes, credits, strict=True)]

    def again() -> list[list[Ids]]:
        return [tokenised_again(episode, tokenizer) for episode in episodes]

    apart, joined, texts = made(False), made(True), again()
    turns = [turn for episode in episodes for turn in episode.turns]
    read = [t.tokens.prompt_ids + t.tokens.completion_ids for t in turns if t.tokens]
    flat = [ids for texts_of_one in texts for ids in texts_of_one]
    lengths = {
        name: sum(len(row.ids) for rows in each for row in rows)
        for name, each in (("apart", apart), ("joined", joined))
    }
    seconds = {
        "apart": timed(lambda: made(False), options.repeats),
        "joined": timed(lambda: made(True), options.repeats),
        "tokenised_again": timed(again, options.repeats),
    }
    rate = {
        name: statistics.mean(
            exact(e, row) for e, rows in zip(episodes, each, strict=True) for row in rows
        )
        for name, each in (("apart", apart), ("joined", joined))
    }
    rate["tokenised_again"] = statistics.mean(a == b for a, b in zip(read, flat, strict=True))
    speed = {name: len(turns) / spent for name, spent in seconds.items()}
    forwarded = lengths["apart"] / lengths["joined"]
    rows = {"apart": sum(map(len, apart)), "joined": sum(map(len, joined))}
    if options.json:
        found = {"turns": len(turns), "rows": rows, "exact": rate, "turns_per_second": speed}
        print(json.dumps(found | {"forwarded_over_joined": forwarded}, indent=2))
        return
    print(f"{len(turns)} turns of {len(episodes)} games")
    for name in speed:
        print(f"{name:>16}: {rate[name]:.1%} of rows exact, {speed[name]:,.0f} turns a second")
    print(
        f"{rows['apart']} rows of single turns forward {forwarded:.1f} times the tokens of "
        f"{rows['joined']} joined ones"
    )


if __name__ == "__main__":
    main()
