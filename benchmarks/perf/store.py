"""How fast episodes are stored: turns a second, against plain JSON lines in the same run.

Each episode is a conversation that grows by two messages a turn, with token ids and
log-probabilities. JSON lines are written whole, one episode a line, flushed; they repeat the
conversation at every turn, which the store does not, so bytes a turn are printed as well.

    python benchmarks/perf/store.py
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

from symposia.episodes import Episode, EpisodeStore, Tokens, Turn

TURNS = 20
"""Turns of one episode."""


def episode(task: int) -> Episode:
    turns = []
    history: tuple[dict[str, str], ...] = (
        {"role": "user", "content": f"Task {task}: " + "x" * 200},
    )
    for i in range(TURNS):
        reply = {"role": "assistant", "content": f"<action>go to shelf {i} of {task}</action>"}
        tokens = Tokens(tuple(range(300 + 30 * i)), tuple(range(12)), (-0.5,) * 12)
        turns.append(Turn(f"{task}-{i}", "agent", history, reply, tokens=tokens))
        history = (*history, reply, {"role": "user", "content": f"You see mug {i}." + "y" * 80})
    return Episode(run="bench", task=str(task), turns=tuple(turns))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--episodes", type=int, default=100, help="in each of the pairs")
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    ours, lines = [], []
    with tempfile.TemporaryDirectory() as folder, EpisodeStore(folder) as store:
        plain = Path(folder) / "plain.jsonl"
        for pair in range(options.pairs):
            first = pair * options.episodes
            made = [episode(first + i) for i in range(options.episodes)]
            began = time.perf_counter()
            for one in made:
                store.add(one)
            ours.append(options.episodes * TURNS / (time.perf_counter() - began))
            began = time.perf_counter()
            with plain.open("a") as file:
                for one in made:
                    file.write(json.dumps(asdict(one)) + "\n")
                    file.flush()
            lines.append(options.episodes * TURNS / (time.perf_counter() - began))
        count = options.pairs * options.episodes * TURNS
        sizes = {
            "store": sum(f.stat().st_size for f in store.path.parent.glob("episodes.db*")) / count,
            "json_lines": plain.stat().st_size / count,
        }
    result = {
        "turns_per_second": statistics.median(ours),
        "json_lines_turns_per_second": statistics.median(lines),
        "ratio": statistics.median(a / b for a, b in zip(ours, lines, strict=True)),
        "bytes_per_turn": sizes,
    }
    if options.json:
        print(json.dumps(result, indent=2))
        return
    print(
        f"store {result['turns_per_second']:,.0f} turns/s ({sizes['store']:,.0f} bytes a turn), "
        f"JSON lines {result['json_lines_turns_per_second']:,.0f} "
        f"({sizes['json_lines']:,.0f} bytes): {result['ratio']:.2f} times the speed"
    )


if __name__ == "__main__":
    main()
