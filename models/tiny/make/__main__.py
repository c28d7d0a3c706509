"""`python -m symposia.models.tiny.make`: games, tokenizer, rows, training, evaluation, card.

Every stage keeps its result in the working folder and is skipped when that is there, so the command
can be stopped at any moment and given again.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # threads that spin starve on shared cores

from transformers import AutoTokenizer, GenerationConfig

from ....benchmarks.cache import cache_folder
from .card import Facts, card
from .evaluate import GAMES_PER_TYPE, PROBLEMS, evaluate
from .rows import Rows, build, sample_texts
from .tokenizer import train_tokenizer
from .train import Recipe, Training
from .transcripts import generate, read

WEIGHTS = Path(__file__).parents[1] / "weights"
GAMES = 6_500
PASSES = 3


def main() -> None:
    """Make the model as the options say."""
    options = _options()
    work: Path = options.work
    games, words, rows_file = work / "games", work / "tokenizer", work / "rows.npz"
    generate(games, options.games, workers=options.workers)
    if not (words / "tokenizer.json").exists():
        train_tokenizer(sample_texts(games)).save_pretrained(words)
    tokenizer = AutoTokenizer.from_pretrained(words)
    if not rows_file.exists():
        build(games, tokenizer, options.passes, options.seed).save(rows_file)
    rows = Rows.load(rows_file)

    recipe = Recipe(seed=options.seed, steps=options.steps, minutes=options.minutes)
    training = Training(rows, tokenizer, recipe, work / "training")
    model = training.run()
    model.generation_config = GenerationConfig(  # type: ignore[no-untyped-call]
        do_sample=True,
        temperature=1.0,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    model.save_pretrained(options.out)
    tokenizer.save_pretrained(options.out)

    facts = Facts(
        parameters=model.num_parameters(),
        vocabulary=len(tokenizer),
        episodes=sum(1 for _ in read(games)),
        rows=len(rows),
        steps=training.step,
        tokens=training.tokens,
        seconds=training.seconds,
        longest=int(rows.lengths.max()),
    )
    results = evaluate(model, tokenizer, options.games_per_type, options.problems)
    text = card(facts, recipe, results)
    (options.out / "README.md").write_text(text)
    print(text)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m symposia.models.tiny.make", description=__doc__
    )
    add = parser.add_argument
    add("--work", type=Path, default=cache_folder() / "tiny", help="data and checkpoints")
    add("--out", type=Path, default=WEIGHTS, help="the Hugging Face folder to write")
    add("--games", type=int, default=GAMES, help="household games to learn from")
    add("--passes", type=int, default=PASSES, help="passes over them; later ones are renamed")
    add("--workers", type=int, default=2, help="processes that play games")
    add("--steps", type=int, help="training steps (default: one pass over the rows)")
    add("--minutes", type=float, help="train by the clock instead; not repeatable to the bit")
    add("--seed", type=int, default=0)
    add("--games-per-type", type=int, default=GAMES_PER_TYPE, help="held-out games of each type")
    add("--problems", type=int, default=PROBLEMS, help="held-out problems and cases of each kind")
    return parser.parse_args()


if __name__ == "__main__":
    main()
