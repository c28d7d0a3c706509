"""How many tokens a second the local engine samples, against two ways of transformers' own.

The same random Llama, the same prompts of mixed length and replies of mixed length, greedily, all
asked for at once, in rounds: one after the other with `generate`, with transformers' continuous
batching (paged attention), and with our engine. Each runs in a process of its own, so that its peak
memory can be read; the model and Python themselves are taken off. It also prints how many prompt
tokens are read for a search of 16 branches from one trunk. Reply tokens are compared with
`generate`'s.

    python benchmarks/perf/engine.py --requests 1 8 32 128
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
VOCABULARY = 4096
Asked = list[tuple[list[int], int]]
"""Prompts with the number of tokens to reply."""
Answered = list[tuple[list[int], float]]
"""Replies with the seconds that they took."""
ROUNDS = 64
"""Requests that are made in all at least, in rounds one after the other."""


def make_model(folder: Path, width: int, layers: int) -> None:
    import torch
    from tokenizers import Tokenizer, models
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    torch.manual_seed(0)
    words = Tokenizer(models.WordLevel({str(i): i for i in range(VOCABULARY)}, unk_token="0"))
    PreTrainedTokenizerFast(tokenizer_object=words).save_pretrained(folder)  # type: ignore[no-untyped-call]
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=width,
        intermediate_size=2 * width,
        num_hidden_layers=layers,
        num_attention_heads=width // 32,
        max_position_embeddings=2048,
        eos_token_id=None,
        bos_token_id=None,
    )
    LlamaForCausalLM(config).save_pretrained(folder)


def questions(number: int, seed: int = 0) -> Asked:
    rng = random.Random(f"{number} {seed}")
    return [
        ([rng.randrange(VOCABULARY) for _ in range(rng.randint(16, 256))], rng.randint(16, 96))
        for _ in range(number)
    ]


def one_by_one(folder: str, rounds: list[Asked]) -> list[Answered]:
    import torch
    from transformers import AutoModelForCausalLM

    model: Any = AutoModelForCausalLM.from_pretrained(folder)

    def answer(prompt: list[int], tokens: int) -> list[int]:
        ids = torch.tensor([prompt])
        out = model.generate(
            ids,
            attention_mask=torch.ones_like(ids),
            max_new_tokens=tokens,
            do_sample=False,
            pad_token_id=0,
        )
        said: list[int] = out[0, len(prompt) :].tolist()
        return said

    def answer_all(batch: Asked) -> Answered:
        began = time.perf_counter()
        return [(answer(*each), time.perf_counter() - began) for each in batch]

    return [answer_all(batch) for batch in rounds]


def transformers_batching(folder: str, rounds: list[Asked]) -> list[Answered]:
    from transformers import AutoModelForCausalLM, ContinuousBatchingConfig, GenerationConfig

    model: Any = AutoModelForCausalLM.from_pretrained(folder, attn_implementation="sdpa")
    settings = ContinuousBatchingConfig(page_size=32, num_blocks=2048, max_batch_tokens=2048)
    manager = model.init_continuous_batching(
        GenerationConfig(do_sample=False, eos_token_id=-1, pad_token_id=0),  # type: ignore[no-untyped-call]
        continuous_batching_config=settings,
    )
    manager.start()

    def answer(batch: Asked) -> Answered:
        began = time.perf_counter()
        names = [manager.add_request(p, max_new_tokens=n, eos_token_id=-1) for p, n in batch]
        done: dict[str, tuple[list[int], float]] = {}
        while len(done) < len(names):
            result = manager.get_result(timeout=120)
            if result.error:
                raise RuntimeError(result.error)
            done[result.request_id] = result.generated_tokens, time.perf_counter() - began
        return [done[name] for name in names]

    answers = [answer(batch) for batch in rounds]
    manager.stop(block=True)
    return answers


def our_engine(folder: str, rounds: list[Asked]) -> list[Answered]:
    from symposia.models.engine import Engine
    from symposia.models.engine.request import Request

    engine = Engine(folder)
    ended: dict[int, float] = {}

    def note(number: int, began: float, done: Future[Any]) -> None:
        ended[number] = time.perf_counter() - began

    def answer(batch: Asked) -> Answered:
        began = time.perf_counter()
        ended.clear()
        futures = []
        for i, (prompt, tokens) in enumerate(batch):
            future = engine.submit(Request(tuple(prompt), max_tokens=tokens, temperature=0))
            future.add_done_callback(partial(note, i, began))
            futures.append(future)
        return [(list(f.result().ids), ended[i]) for i, f in enumerate(futures)]

    return [answer(batch) for batch in rounds]


WAYS = {"generate": one_by_one, "transformers": transformers_batching, "symposia": our_engine}


def run_one(way: str, folder: str, requests: int) -> dict[str, Any]:
    """Measure in this process."""
    import torch

    torch.set_num_threads(2)
    rounds = [questions(requests, i) for i in range(max(ROUNDS // requests, 1))]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.perf_counter()
    _, *answered = WAYS[way](folder, [questions(3), *rounds])
    seconds = sum(max(taken for _, taken in answers) for answers in answered)
    answers = [answer for batch in answered for answer in batch]
    latencies = sorted(taken for _, taken in answers)
    return {
        "tokens": [tokens for tokens, _ in answers],
        "tokens_per_second": sum(len(tokens) for tokens, _ in answers) / seconds,
        "p50": latencies[len(latencies) // 2],
        "p95": latencies[min(len(latencies) * 95 // 100, len(latencies) - 1)],
        "megabytes": (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024,
        "wall": time.perf_counter() - began,
    }


def measure(way: str, folder: str, requests: int) -> dict[str, Any]:
    """Measure in a fresh process."""
    command = [sys.executable, __file__, "--one", way, "--folder", folder]
    done = subprocess.run(
        [*command, "--requests", str(requests)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{way} failed:\n{done.stderr[-3000:]}")
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def tree_search(folder: str) -> tuple[int, int]:
    """Prompt tokens that 16 branches of one trunk have, and how many of them are computed."""
    from symposia.models.engine import Engine
    from symposia.models.engine.request import Request

    engine = Engine(folder)
    rng = random.Random(0)
    trunk = [rng.randrange(VOCABULARY) for _ in range(512)]
    branches = [(*trunk, *(rng.randrange(VOCABULARY) for _ in range(8))) for _ in range(16)]
    engine.generate([Request(branch, max_tokens=4, temperature=0) for branch in branches])
    return engine.work.prompt_tokens, engine.work.prompt_tokens - engine.work.reused_tokens


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, nargs="+", default=[1, 8, 32, 128])
    parser.add_argument("--width", type=int, default=256)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--one", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(run_one(options.one, options.folder, options.requests[0])))
        return
    report: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        make_model(Path(folder), options.width, options.layers)
        for requests in options.requests:
            results = {way: measure(way, folder, requests) for way in WAYS}
            base = results["generate"]
            right = base["tokens"]
            for way, result in results.items():
                said = result.pop("tokens")
                result["equal_to_generate"] = sum(map(list.__eq__, said, right))
                result["ratio"] = result["tokens_per_second"] / base["tokens_per_second"]
                if not options.json:
                    print(
                        f"{requests:4} requests  {way:13}{result['tokens_per_second']:8,.0f} "
                        f"tokens/s ({result['ratio']:.2f}x)  p50 {result['p50']:.2f} s  "
                        f"p95 {result['p95']:.2f} s  {result['megabytes']:,.0f} MB  "
                        f"equal {result['equal_to_generate']}/{len(right)}"
                    )
            report[str(requests)] = results
        whole, read = tree_search(folder)
    report["tree"] = {"prompt_tokens": whole, "computed": read}
    if options.json:
        print(json.dumps(report, indent=2))
    else:
        print(f"16 branches of a search: {whole:,} prompt tokens, {read:,} computed")


if __name__ == "__main__":
    main()
