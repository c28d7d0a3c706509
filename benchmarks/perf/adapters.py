"""Requests for several LoRA adapters of one model: in one batch, or in turns.

The same random Llama, adapters of different ranks on all its linear layers, the same prompts of
mixed length and replies of mixed length, greedily, all asked for at once. Once the engine lets rows
with different adapters share a pass; once it is told that none of them can, so that each adapter
has passes of its own and they take turns. Both in one process, round about, the first round left
out. The replies are compared; forward passes are counted.

    python benchmarks/perf/adapters.py --adapters 4 --each 1 8 32
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import threading
import time
from pathlib import Path
from statistics import median
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from symposia.benchmarks.perf.engine import make_model, questions
from symposia.models.engine import Engine, Request

WAYS = ("together", "in turns")


def make_adapter(base: Path, path: Path, number: int) -> None:
    import peft
    import torch
    from transformers import AutoModelForCausalLM

    torch.manual_seed(number)
    config = peft.LoraConfig(r=8 * (number % 2 + 1), lora_alpha=32, target_modules="all-linear")
    model = peft.get_peft_model(AutoModelForCausalLM.from_pretrained(base), config)
    for name, weight in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.02)
    model.save_pretrained(str(path))


def load(folder: Path, adapters: int, way: str) -> Engine:
    engine = Engine(str(folder / "base"))
    if way == "in turns":
        engine.adapters.mixes = lambda name: False  # type: ignore[method-assign]
    for number in range(adapters):
        engine.load_adapter(str(number), str(folder / str(number)))
    return engine


def ask(engine: Engine, requests: list[Request]) -> dict[str, Any]:
    """Replies, seconds and passes of requests of which none begins before all are there."""
    began, there = threading.Event(), threading.Event()

    def hold(token: int) -> None:
        began.set()
        there.wait()

    first = engine.submit(Request((0,), max_tokens=1), hold)
    began.wait()
    futures = [engine.submit(request) for request in requests]
    passes = engine.work.passes
    start = time.perf_counter()
    there.set()
    replies = [future.result().ids for future in futures]
    seconds = time.perf_counter() - start
    first.result()
    return {"replies": replies, "seconds": seconds, "passes": engine.work.passes - passes}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--adapters", type=int, default=4)
    parser.add_argument("--each", type=int, nargs="+", default=[1, 8, 32])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--width", type=int, default=256)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    import torch

    torch.set_num_threads(2)
    report: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_model(folder / "base", options.width, options.layers)
        for number in range(options.adapters):
            make_adapter(folder / "base", folder / str(number), number)
        for each in options.each:
            asked = questions(each * options.adapters)
            requests = [
                Request(tuple(prompt), tokens, 0, adapter=str(i % options.adapters))
                for i, (prompt, tokens) in enumerate(asked)
            ]
            rounds = [
                {way: ask(load(folder, options.adapters, way), requests) for way in WAYS}
                for _ in range(options.rounds + 1)
            ][1:]
            results = {
                way: {
                    "passes": rounds[0][way]["passes"],
                    "tokens_per_second": sum(tokens for _, tokens in asked)
                    / median(turn[way]["seconds"] for turn in rounds),
                }
                for way in WAYS
            }
            ratios = [turn["in turns"]["seconds"] / turn["together"]["seconds"] for turn in rounds]
            said = [turn[way]["replies"] for turn in rounds for way in WAYS]
            equal = all(replies == said[0] for replies in said)
            report[f"{options.adapters} x {each}"] = results | {"ratios": ratios, "equal": equal}
            if not options.json:
                for way, result in results.items():
                    print(
                        f"{options.adapters} adapters x {each:3} requests  {way:9}"
                        f"{result['tokens_per_second']:7,.0f} tokens/s  {result['passes']:5} passes"
                    )
                print(
                    f"    together {median(ratios):.2f}x as fast "
                    f"({min(ratios):.2f} to {max(ratios):.2f}); replies equal: {equal}"
                )
    if options.json:
        print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
