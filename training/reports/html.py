"""A run as one self-contained web page: what was learnt, the curves, episodes before and after."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from ...benchmarks.reports.canvas import SETTINGS
from ...benchmarks.reports.html import render
from ...episodes import EpisodeStore, to_markdown
from ..loop import Outcome, Recipe
from .history import History

TEMPLATE = "training.html"
PAGE = "report.html"
EXAMPLES = 2
"""Tasks whose episodes are shown, of each of those gained, lost, and neither."""


def write_html(recipe: Recipe, outcome: Outcome) -> Path:
    """Write `report.html` into the run's folder, and return the file's path.

    Raises:
        ImportError: matplotlib or jinja2 is missing.
    """
    import matplotlib

    from .curves import draw

    history = History.read(outcome.folder)
    with matplotlib.rc_context(SETTINGS):
        curves = draw(history)
    page = render(
        [outcome.before, outcome.after],
        title=f"{recipe.name} on {outcome.before.environment}",
        template=TEMPLATE,
        folders=[Path(__file__).parent],
        recipe=recipe,
        stopped=outcome.stopped,
        done=len(history.iterations) - 1,
        pictures_of=curves,
        iterations=history.iterations,
        examples=list(_examples(outcome)),
        versions=outcome.versions,
        plan=json.dumps(history.plan, indent=2),
    )
    path = outcome.folder / PAGE
    path.write_text(page, encoding="utf-8", errors="replace")
    return path


def _examples(outcome: Outcome) -> Iterator[tuple[str, str, str, str]]:
    """Tasks with what changed, and their episodes before and after."""
    theirs = {(row.task, row.attempt): row for row in outcome.before.rows}
    left = {"gained": EXAMPLES, "lost": EXAMPLES, "not solved": EXAMPLES, "solved": EXAMPLES}
    chosen = []
    for row in outcome.after.rows:
        old = theirs.get((row.task, row.attempt))
        if old is None:
            continue
        if row.success == old.success:
            change = "solved" if row.success else "not solved"
        else:
            change = "gained" if row.success else "lost"
        if left[change]:
            left[change] -= 1
            chosen.append((change, row))
    chosen.sort(key=lambda each: list(left).index(each[0]))
    with EpisodeStore(outcome.folder, create=False) as store:
        for change, row in chosen:
            texts = [
                to_markdown(store.episode(report.run, row.task, row.attempt))
                for report in (outcome.before, outcome.after)
            ]
            yield change, row.task, texts[0], texts[1]
