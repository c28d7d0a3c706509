"""A model card for each policy's last version: what it is, what it was taught, what it is worth."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from ...benchmarks import Report
from ..loop import Outcome, Recipe
from ..loop.journal import write_whole
from .history import History

CARD = "README.md"
PACKAGES = ("peft", "accelerate")
"""Packages that take part in training, beside those of a run's manifest."""


def write_cards(recipe: Recipe, outcome: Outcome) -> list[Path]:
    """Write `README.md` into the folder of each policy's last version."""
    history = History.read(outcome.folder)
    written = []
    for policy, folder in outcome.versions.items():
        card = folder / CARD
        write_whole(card, _card(policy, folder, recipe, outcome, history).encode())
        written.append(card)
    return written


def _card(policy: str, folder: Path, recipe: Recipe, outcome: Outcome, history: History) -> str:
    plan = history.plan
    adapter = bool(plan["lora"])
    about = {
        "base_model": plan["base"],
        "library_name": "peft" if adapter else "transformers",
        "pipeline_tag": "text-generation",
        "tags": ["symposia", recipe.name],
    }
    front = "\n".join(f"{key}: {json.dumps(value)}" for key, value in about.items())
    what = "A LoRA adapter" if adapter else "A whole model"
    paper = recipe.paper
    source = f", after [{paper.title}](https://arxiv.org/abs/{paper.arxiv})" if paper else ""
    rows = sum((each.rows or {}).get(policy, 0) for each in history.iterations)
    return f"""---
{front}
---

# {policy} of {recipe.name} on {plan["environment"][0]}

{what}, trained by Symposia from the interactions of its own team: {recipe.summary}{source}.

| | |
|---|---|
| base | `{plan["base"]}` |
| iterations | {len(history.iterations) - 1}; this is the version after {int(folder.name)} |
| rows trained on | {rows:,} |
| played in | {_place(plan["environment"])} |
| tested in | {_place(plan["test"])} |

## Results

The whole team on the test tasks, before training and with its last versions, on the same tasks and
seeds; 95 % intervals.

{_results(outcome)}

## Loading

```python
from symposia import load_model

model = load_model({f"hf:{folder.resolve()}"!r})
```

{_elsewhere(adapter, plan["base"])}

## Settings

```json
{json.dumps({key: plan[key] for key in plan if key not in ("environment", "test")}, indent=1)}
```

{_packages(outcome.after.manifest)}
"""


def _place(where: list[Any]) -> str:
    name, options, split = where
    settings = ", ".join(f"{key}={value!r}" for key, value in options.items())
    return f"`{name}`, split `{split}`" + (f" ({settings})" if settings else "")


def _results(outcome: Outcome) -> str:
    def line(name: str, report: Report) -> str:
        summary = report.summary
        low, high = summary.interval
        return (
            f"| {name} | {summary.rate:.1%} ({low:.1%} to {high:.1%}) | {summary.score:.3f} "
            f"| {summary.episodes} |"
        )

    (difference,) = outcome.comparison.differences
    low, high = (100 * end for end in difference.interval)
    return "\n".join(
        [
            "| | solved | mean score | episodes |",
            "|---|---|---|---|",
            line("before", outcome.before),
            line("after", outcome.after),
            "",
            f"Paired difference: {100 * difference.difference:+.1f} points ({low:+.1f} to "
            f"{high:+.1f}), {difference.gained} gained, {difference.lost} lost, "
            f"p = {difference.p:.3g} ({difference.test}).",
        ]
    )


def _elsewhere(adapter: bool, base: str) -> str:
    if adapter:
        return f"It is a peft adapter for `{base}`: peft and vLLM load it as it is."
    return "It is a Hugging Face folder: transformers and vLLM load it as it is."


def _packages(manifest: Mapping[str, Any]) -> str:
    versions = {**manifest["packages"], **{name: _version(name) for name in PACKAGES}}
    held = ", ".join(f"{name} {number}" for name, number in versions.items() if number)
    git = f"; git {manifest['git']}" if manifest["git"] else ""
    return f"Made with Python {manifest['python']}, {held}{git}."


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
