"""How many tokens a second an update trains, against TRL's GRPOTrainer and SFTTrainer, and memory.

The bundled model plays each task eight times; the record becomes rows of ids. All trainers get the
same rows, in steps of the optimizer over all of them, with the same loss: the clipped policy
gradient with a mean over all tokens (`dapo` in TRL, with its group-scaled rewards), or the cross
entropy of the same targets. That they do the same is shown by the norm of the gradient. TRL gets
the finished episodes through `rollout_func`; the time that it takes for these and their rewards is
taken off. So what is timed, from the end of one step to the end of the next, is laying rows out as
tensors, forward, backward, clipping, the optimizer's step and logging, for both. TRL also computes
the entropy, which it logs. TRL comes with its own micro-batch of 8 and with all rows in one.

Each trainer runs in a process of its own, on one thread, in turns; seconds are the processor's, so
that other work on the machine counts little, of the median step without the first. Memory is the
highest of the process, above what it took once the model was loaded.

    python benchmarks/perf/training.py [--rounds 3] [--steps 4] [--only grpo/games/tiny ...]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from symposia import Episode, EpisodeStore, answer, evaluate, load_model, make_environment
from symposia.agents import Actor, ToolAgent
from symposia.benchmarks.perf.samples import exact
from symposia.graphs import act
from symposia.models.load import TINY
from symposia.training import Sample, samples
from symposia.training.advantages import grpo, within
from symposia.training.files import load_examples, save_examples
from symposia.training.rewards import everywhere

GROUP = 8
"""Episodes of a task."""
RATE = 1e-9
"""Of learning: so small that all steps do the same."""
WAYS = ("trl, 8 a pass", "trl, all in one", "symposia", "symposia, nothing shared")
WIDTH, LAYERS = 384, 6
"""Of the wider Llama, whose weights are random."""


async def record(name: str, tasks: int) -> list[Episode]:
    """Episodes of the bundled model, by task."""
    model = load_model("tiny", temperature=1.0, max_tokens=64)
    if name == "games":
        env, team = make_environment("alfworld", size="small", max_steps=20), act(ToolAgent(model))
    else:
        env, team = make_environment("arithmetic"), answer(Actor(model))
    with tempfile.TemporaryDirectory() as folder, EpisodeStore(folder) as store:
        await evaluate(
            team, env, limit=tasks, attempts=GROUP, store=store, run=name, progress=False
        )
        return sorted(store.episodes(name), key=lambda each: (each.task, each.attempt))


def compared(episodes: list[Episode]) -> list[Sample]:
    """One row an episode, with its advantage; the reward is among the extras.

    TRL takes one row an episode, so tasks with an episode of several are left out: a reply that was
    cut off is closed in the next prompt, which therefore does not go on from it.
    """
    scores = [each.outcome.score for each in episodes]
    advantages = within(scores, [each.task for each in episodes], grpo)
    made = [
        [replace(row, extras={"reward": score}) for row in samples(episode, credit, join=True)]
        for episode, score, advantage in zip(episodes, scores, advantages, strict=True)
        for credit in [everywhere(episode, advantage)]
    ]
    several = {rows[0].group for rows in made if len(rows) > 1}
    return [row for rows in made for row in rows if row.group not in several]


def wider(folder: Path) -> None:
    """A random Llama with the tokenizer of `tiny`."""
    import torch
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    config = LlamaConfig.from_pretrained(
        TINY,
        hidden_size=WIDTH,
        intermediate_size=4 * WIDTH,
        num_hidden_layers=LAYERS,
        num_attention_heads=WIDTH // 32,
        num_key_value_heads=WIDTH // 32,
        head_dim=32,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    AutoTokenizer.from_pretrained(TINY).save_pretrained(folder)


class Clock:
    """Processor seconds of each step, without those that are not to count."""

    def __init__(self) -> None:
        self.marks: list[float] = [time.process_time()]
        self.off = 0.0

    def ended(self, *_: Any, **__: Any) -> None:
        self.marks.append(time.process_time() - self.off)

    def uncounted(self, work: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*arguments: Any, **named: Any) -> Any:
            began = time.process_time()
            made = work(*arguments, **named)
            self.off += time.process_time() - began
            return made

        return wrapped

    @property
    def seconds(self) -> list[float]:
        """Of all steps but the first."""
        return [later - earlier for earlier, later in pairwise(self.marks)][1:]


def ticking(clock: Clock) -> Any:
    from transformers import TrainerCallback

    ticks: Any = TrainerCallback()
    ticks.on_step_end = clock.ended
    return ticks


def ours(kind: str, model: Any, rows: list[Sample], steps: int, way: str, clock: Clock) -> float:
    from symposia.training.losses import Clip
    from symposia.training.trainer import PolicyGradient, Supervised, UpdateSettings
    from symposia.training.trainer.learner import computed_logprobs
    from symposia.training.trainer.lines import unit
    from symposia.training.trainer.trainer import AgentTrainer

    settings = UpdateSettings(
        learning_rate=RATE,
        epochs=steps,
        device="cpu",
        share_prefixes=way == "symposia",
        max_mismatch=None,
    )
    units = [unit(row) for row in rows]
    own = computed_logprobs(model, units, settings)
    units = [(replace(line, old_logprobs=got),) for (line,), (got,) in zip(units, own, strict=True)]
    objective: Any = PolicyGradient(Clip(0.2, 0.28), mean="token")
    if kind == "sft":
        objective = Supervised()
    with tempfile.TemporaryDirectory() as folder:
        trainer = AgentTrainer(
            model, units, objective, settings, folder=folder, callbacks=[ticking(clock)]
        )
        trainer.train()
    return trainer.measures["grad_norm"]


def shared(rows: list[Sample], settings: Any) -> tuple[int, int]:
    """Tokens of all rows, and those that are computed."""
    from symposia.training.trainer.batch import collate
    from symposia.training.trainer.lines import unit
    from symposia.training.trainer.packing import packs

    units = [unit(row) for row in rows]
    laid = [
        collate([[units[at] for at in held] for held in sequences])["layout"]
        for sequences in packs(units, settings.sequence_tokens, settings.batch_tokens)
    ]
    return sum(each["tokens"] for each in laid), sum(each["nodes"] for each in laid)


def of_trl(kind: str, model: Any, rows: list[Sample], steps: int, way: str, clock: Clock) -> float:
    from datasets import Dataset
    from transformers import AutoTokenizer
    from trl import GRPOConfig, GRPOTrainer, SFTConfig, SFTTrainer

    tokenizer = AutoTokenizer.from_pretrained(TINY)
    size = len(rows) if way == "trl, all in one" else 8
    with tempfile.TemporaryDirectory() as folder:
        chosen: dict[str, Any] = {
            "output_dir": folder,
            "per_device_train_batch_size": size,
            "gradient_accumulation_steps": len(rows) // size,
            "max_steps": steps,
            "learning_rate": RATE,
            "lr_scheduler_type": "constant",
            "logging_steps": 1,
            "save_strategy": "no",
            "report_to": "none",
            "disable_tqdm": True,
            "bf16": False,
            "use_cpu": True,
            "gradient_checkpointing": False,
            "dataloader_pin_memory": False,
        }
        if kind == "grpo":
            prompts = [{"prompt": str(number)} for number in range(len(rows) // GROUP)]
            trainer: Any = GRPOTrainer(
                model=model,
                args=GRPOConfig(
                    **chosen,
                    num_generations=GROUP,
                    max_completion_length=4096,
                    epsilon_high=0.28,
                ),
                train_dataset=Dataset.from_list(prompts),
                processing_class=tokenizer,
                reward_funcs=lambda earned, **_: earned,
                rollout_func=lambda asked, _: finished(asked, rows),
                callbacks=[ticking(clock)],
            )
            trainer._generate_and_score_completions = clock.uncounted(
                trainer._generate_and_score_completions
            )
        else:
            table = [
                {
                    "input_ids": list(row.ids),
                    "labels": [
                        at if trained else -100
                        for at, trained in zip(row.ids, row.loss_mask, strict=True)
                    ],
                }
                for row in rows
            ]
            trainer = SFTTrainer(
                model=model,
                args=SFTConfig(**chosen, max_length=None),
                train_dataset=Dataset.from_list(table),
                processing_class=tokenizer,
                callbacks=[ticking(clock)],
            )
        trainer.train()
    norms = [line["grad_norm"] for line in trainer.state.log_history if "grad_norm" in line]
    return float(statistics.mean(norms))


def finished(asked: list[str], rows: list[Sample]) -> dict[str, Any]:
    """The rows of the tasks that TRL asks for, as its `rollout_func` gives them."""
    left: dict[str, Iterator[Sample]] = {
        task: iter(rows[int(task) * GROUP :][:GROUP]) for task in asked
    }
    made: dict[str, Any] = {
        name: [] for name in ("prompt_ids", "completion_ids", "logprobs", "env_mask", "earned")
    }
    for row in (next(left[task]) for task in asked):
        begins = row.loss_mask.index(True)
        made["prompt_ids"].append(list(row.ids[:begins]))
        made["completion_ids"].append(list(row.ids[begins:]))
        made["logprobs"].append(list(row.old_logprobs[begins:]))
        made["env_mask"].append([int(trained) for trained in row.loss_mask[begins:]])
        made["earned"].append(row.extras["reward"])
    return made


def child(way: str, kind: str, model_folder: str, rows_file: str, steps: int) -> None:
    """One trainer, in a process of its own: prints what it measured as JSON."""
    import torch
    from transformers import AutoModelForCausalLM

    torch.set_num_threads(1)
    rows: Any = load_examples(Path(rows_file))
    model = AutoModelForCausalLM.from_pretrained(model_folder, dtype=torch.float32)
    clock = Clock()
    run = of_trl if way.startswith("trl") else ours
    if run is of_trl:
        import trl  # noqa: F401  # its own size is not the trainer's
    before = resident()
    norm = run(kind, model, rows, steps, way, clock)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - before
    print(json.dumps({"seconds": clock.seconds, "peak": peak, "norm": norm}))


def resident() -> int:
    """Bytes of memory that the process takes now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def measure(way: str, kind: str, model: Path, rows: Path, steps: int) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, __file__, "--child", way, kind, str(model), str(rows), str(steps)],
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(f"{way}: {done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--games", type=int, default=4)
    parser.add_argument("--problems", type=int, default=8)
    parser.add_argument("--only", nargs="*", help="as grpo/games/tiny")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--child", nargs=5, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        way, kind, model, rows, steps = options.child
        child(way, kind, model, rows, int(steps))
        return
    from symposia.training.trainer import UpdateSettings

    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        wider(folder / "wider")
        models = {"tiny": TINY, "wider": folder / "wider"}
        for what, tasks in (("answers", options.problems), ("games", options.games)):
            episodes = asyncio.run(record(what, tasks))
            began = time.process_time()
            made = compared(episodes)
            rate = len(made) / (time.process_time() - began)
            by_name = {f"{e.run}/{e.task}/{e.attempt}": e for e in episodes}
            right = [exact(by_name[row.episode], row) for row in made]
            save_examples(folder / f"{what}.npz", made)
            tokens, computed = shared(made, UpdateSettings())
            found[what] = {
                "rows": len(made),
                "tokens": tokens,
                "trained": sum(row.trained for row in made),
                "exact": statistics.mean(right),
                "rows_per_second": rate,
                "computed_of_tokens": computed / tokens,
            }
            for kind in ("grpo", "sft"):
                for model, place in models.items():
                    work = f"{kind}/{what}/{model}"
                    if options.only and work not in options.only:
                        continue
                    runs = [
                        {
                            way: measure(way, kind, place, folder / f"{what}.npz", options.steps)
                            for way in WAYS
                        }
                        for _ in range(options.rounds)
                    ]
                    found[what][f"{kind}/{model}"] = {
                        way: {
                            "tokens_per_second": tokens
                            / statistics.median(s for run in runs for s in run[way]["seconds"]),
                            "peak": statistics.median(run[way]["peak"] for run in runs),
                            "norm": runs[0][way]["norm"],
                        }
                        for way in WAYS
                    }
                    if not options.json:
                        show(work, found[what], found[what][f"{kind}/{model}"])
    if options.json:
        print(json.dumps(found, indent=2))


def show(work: str, about: dict[str, Any], ways: dict[str, Any]) -> None:
    best = max(each["tokens_per_second"] for way, each in ways.items() if way.startswith("trl"))
    print(
        f"\n{work}: {about['rows']} rows of {about['tokens']} tokens, {about['trained']} trained, "
        f"{about['computed_of_tokens']:.0%} computed; {about['exact']:.1%} of rows exact, "
        f"{about['rows_per_second']:,.0f} rows/s made of episodes"
    )
    print(f"{'':>26}{'tokens/s':>10}{'trained/s':>10}{'of TRL':>8}{'peak MB':>9}{'gradient':>12}")
    for way, each in ways.items():
        speed = each["tokens_per_second"]
        trained = speed * about["trained"] / about["tokens"]
        print(
            f"{way:>26}{speed:10,.0f}{trained:10,.0f}{speed / best:8.2f}"
            f"{each['peak'] / 1e6:9,.0f}{each['norm']:12.6g}"
        )


if __name__ == "__main__":
    main()
