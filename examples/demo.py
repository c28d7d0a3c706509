"""The main job in five minutes: two teams play a dozen real ALFWorld games on the bundled model.

One agent acts alone; in the other team an actor proposes each action, a critic reviews it and a
judge accepts it or sends it back. Both play the same games. Every turn lands in `runs/demo`.

    make demo
"""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

from rich.console import Console

from symposia import EpisodeStore, evaluate, load_model, make_environment
from symposia.benchmarks import compare, write_html
from symposia.episodes import to_markdown
from symposia.graphs.teams import build_team
from symposia.models import fingerprint

GAMES = 12
MAX_STEPS = 30
SEED = 0
FOLDER = Path("runs/demo")
TEAMS = ("act", "act-refine")


async def main() -> None:
    # The games run beside the model on the same cores: threads that wait should not spin.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    console = Console()
    began = time.perf_counter()
    environment = make_environment("alfworld", games=GAMES, max_steps=MAX_STEPS)
    console.print(
        f"[bold]{GAMES} household games[/] on ALFWorld's engine, made from seed {SEED}; "
        "model: [bold]tiny[/], which ships with Symposia.\n"
    )
    model = load_model("tiny")
    reports = []
    with EpisodeStore(FOLDER) as store:
        for name in TEAMS:
            reports.append(
                await evaluate(
                    build_team(name, model),
                    environment,
                    name=name,
                    seed=SEED,
                    store=store,
                    run=name,
                    config={"model": "tiny", "weights": fingerprint(model)},
                )
            )
        shown = next((r for r in reports[-1].rows if r.success), reports[-1].rows[0])
        page = FOLDER / "episode.md"
        page.write_text(to_markdown(store.episode(TEAMS[-1], shown.task)), encoding="utf-8")
    html = write_html(reports, FOLDER / "report.html", title="An actor alone, and a team of three")
    for report in reports:
        console.print(report.table())
    compared = compare(reports)
    console.print(compared.table())
    console.print(compared.difference_table())
    console.print(
        f"\nReport:  {html}\nEpisode: {page}  (who said what, turn by turn)\n"
        f"Record:  {FOLDER}/episodes.db\nTook {time.perf_counter() - began:.0f} s.\n\n"
        "[bold]Next[/]\n"
        "  symposia play alfworld                            play a game yourself\n"
        "  symposia bench alfworld --team act --limit 50     more games, resumable\n"
        "  symposia ask --team refine "
        "'Ada has 4 books. Ben gives Ada 3 more. How many books are there now?'\n"
        "  symposia draw act-refine --png team.png           see the graph\n"
        "  symposia doctor                                   what else can run here\n"
        "(in this checkout the command is .venv/bin/symposia)"
    )


if __name__ == "__main__":
    asyncio.run(main())
