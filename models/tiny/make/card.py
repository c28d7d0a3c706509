"""The model card: what the model is, how it was made, how good it is."""

from __future__ import annotations

from dataclasses import dataclass

from .arithmetic import LARGEST
from .conversations import GLANCE, LEARN
from .evaluate import SIZE, STEPS, Results, Score
from .tokenizer import CONTEXT
from .train import Recipe
from .transcripts import NOISE, SLIPS

COMMAND = "python -m symposia.models.tiny.make"


@dataclass(frozen=True, slots=True)
class Facts:
    """What the card tells about the making of the model."""

    parameters: int
    vocabulary: int
    episodes: int
    """Household episodes, each counted once however often it was renamed."""
    rows: int
    """Conversations."""
    steps: int
    tokens: int
    """Read in training, padding excluded."""
    seconds: float
    """Of training."""
    longest: int
    """Tokens in the longest conversation."""


def card(facts: Facts, recipe: Recipe, results: Results) -> str:
    """The text of the weights folder's README."""
    return f"""---
license: apache-2.0
library_name: transformers
pipeline_tag: text-generation
tags: [llama, symposia]
---

# tiny

A Llama of {facts.parameters / 1e6:.2f} million parameters that acts in ALFWorld's text households,
solves small word problems, and reviews and judges such actions and solutions, in the roles and
light tags of Symposia's agents. It exists so that every code path of a large model, training
included, runs on a laptop. It is not a general language model.

## Model

Plain `LlamaForCausalLM`: {recipe.layers} layers, width {recipe.width}, {recipe.heads} heads, inner
width {recipe.inner}, tied embeddings, float32. Byte-level BPE of {facts.vocabulary} tokens, so any
text round-trips. Chat template: `<|role|>text<|end|>`, roles system, user and assistant (a tool's
result is a user's message), nothing trimmed. {CONTEXT} positions are declared; the longest
conversation in training had {facts.longest:,} tokens.

## Data

All of it is made by the repository, from seeds that evaluation never uses. There is no outside
text.

- {facts.episodes:,} episodes of a searching expert in generated ALFWorld scenes of all six task
  types, with {NOISE:.0%} random and {SLIPS:.0%} nonsensical actions that carry no loss. Later
  passes over them rename the objects at random.
- Reviews, revisions and decisions about right and wrong actions at random moments of these.
- Drills: lists of names and numbers to copy, and single moments of a household in which the wanted
  object is in sight or is not.
- Word problems of one to three operations with numbers up to {LARGEST}, their solutions, and
  reviews, revisions and decisions about right and wrong ones. A review works the problem out and
  says how far off the proposed answer is. Single steps are drilled.

## Training

`{COMMAND}`, on two CPU cores: {facts.steps:,} steps, {facts.tokens / 1e6:.1f} million tokens in
{facts.rows:,} conversations, {facts.seconds / 60:.0f} minutes, seed {recipe.seed}. Muon
({recipe.matrix_rate}) on the matrices of the blocks, AdamW ({recipe.other_rate}) on the rest,
linear decay; loss weight {LEARN:g} on replies, {GLANCE:g} on what the world says. Drills and short
episodes come first, and the instructions only in the second half.

## Results

Held-out generated games, size `{SIZE}`, at most {STEPS} actions: games won.

{_games(results.games)}

Held-out judgements, about half of the cases right and half wrong; greedy except where said.
"Right ones" and "wrong ones" count right verdicts on proposals that are right, and that are wrong.

{_judgements(results.judgements)}

## Limits

It knows only these tasks, these instructions and this wording; other prompts give noise. A review
of an action is measured against one expert's choice; other actions may also lead to the goal.
The tables say where it is weak: sums of more than one step, a judge of solutions whom a review
confuses, games with two objects, reviews of actions. There is room for training.
"""


def _games(scores: dict[str, Score]) -> str:
    kinds = list(next(iter(scores.values())).tried)
    lines = [
        "| player | " + " | ".join(kinds) + " | all |",
        "|---" * (len(kinds) + 2) + "|",
    ]
    for name, score in scores.items():
        cells = [f"{score.won[kind]}/{score.tried[kind]}" for kind in kinds]
        lines.append(f"| {name} | " + " | ".join(cells) + f" | {_total(score)} |")
    return "\n".join(lines)


def _judgements(scores: dict[str, Score]) -> str:
    lines = ["| what | right | by kind |", "|---|---|---|"]
    for name, score in scores.items():
        kinds = ", ".join(
            f"{kind} {score.won[kind]}/{score.tried[kind]}" for kind in sorted(score.tried)
        )
        lines.append(f"| {name} | {_total(score)} | {kinds} |")
    return "\n".join(lines)


def _total(score: Score) -> str:
    return f"{score.won.total()}/{score.tried.total()} ({score.rate:.0%})"
