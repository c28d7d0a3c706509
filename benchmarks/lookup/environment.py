"""Look it up: read an encyclopedia page by page, then finish with an answer.

The actions are those of ReAct (Yao et al., "ReAct: Synergizing Reasoning and Acting in Language
Models", ICLR 2023): `search[title]` opens a page and shows how it begins, or names similar titles;
`lookup[words]` shows the next sentence of the page with these words; `finish[answer]` ends the
episode.
"""

from __future__ import annotations

import copy
import re
from abc import abstractmethod
from dataclasses import dataclass, replace
from typing import Any, Self

from ...episodes import Observation, Task
from ..environment import Environment
from ..settings import require_whole
from .encyclopedia import Encyclopedia

BEGINNING = 5
"""Sentences of a page that are shown when it is opened."""
_ACTION = re.compile(r"\s*(search|lookup|finish)\[(.*)\]\s*", re.DOTALL | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a reader is."""

    page: tuple[str, ...] = ()
    """The sentences of the open page."""
    words: str = ""
    """What was last looked up on it."""
    found: int = 0
    """How many of its sentences with these words were shown."""
    steps: int = 0
    done: bool = False


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A moment of one task, to return to."""

    task_id: str
    place: Place
    observation: Observation


class Lookup(Environment):
    """Tasks that are answered with an encyclopedia at hand.

    Args:
        max_steps: actions until a task ends without an answer.
    """

    instructions = (
        "Answer with the help of an encyclopedia, one action at a time: search[title] opens the "
        "page of that title, or names similar titles; lookup[words] shows the next sentence of the "
        "open page with these words; finish[answer] gives your answer."
    )

    def __init__(self, *, max_steps: int) -> None:
        require_whole("max_steps", max_steps, least=1)
        self.max_steps = max_steps
        self._task: Task | None = None

    @property
    def options(self) -> dict[str, Any]:
        return {"max_steps": self.max_steps}

    @abstractmethod
    def encyclopedia(self) -> Encyclopedia:
        """The pages, which all copies share."""

    @abstractmethod
    def grade(self, task: Task, answer: str) -> tuple[float, dict[str, Any]]:
        """The reward of an answer, in [0, 1], and further facts for reports."""

    def plan(self, task: Task, place: Place) -> list[str] | None:
        """What an expert would do from here on, where there is one that was asked for."""
        return None

    def reset(self, task: Task) -> Observation:
        self._task, self._place = task, Place()
        self._last = self._seen(task.prompt)
        return self._last

    def step(self, action: str) -> Observation:
        task = self._playing()
        if self._place.done:
            return replace(self._last, reward=0.0)
        self._place = replace(self._place, steps=self._place.steps + 1)
        parsed = _ACTION.fullmatch(action)
        if parsed is None:
            text = "Invalid action. The actions are search[title], lookup[words], finish[answer]."
            self._last = self._seen(text, valid=False)
        elif (verb := parsed[1].lower()) == "finish":
            self._last = self._finish(task, parsed[2].strip())
        else:
            self._last = self._search(parsed[2]) if verb == "search" else self._lookup(parsed[2])
        return self._last

    def snapshot(self) -> Snapshot:
        return Snapshot(self._playing().id, self._place, self._last)

    def restore(self, snapshot: Snapshot) -> Observation:
        """Return to a snapshot of the task that is set up now.

        Raises:
            ValueError: the snapshot is of another task.
        """
        task = self._playing()
        if snapshot.task_id != task.id:
            raise ValueError(f"a snapshot of {snapshot.task_id} cannot continue {task.id}")
        self._place, self._last = snapshot.place, snapshot.observation
        return self._last

    def fork(self) -> Self:
        self.encyclopedia()
        return copy.copy(self)

    def close(self) -> None:
        self._task = None

    def _search(self, title: str) -> Observation:
        page = self.encyclopedia().page(title)
        if page is None:
            similar = ", ".join(self.encyclopedia().similar(title)) or "none"
            return self._seen(f"Could not find {title}. Similar: {similar}.")
        self._place = replace(self._place, page=page, words="", found=0)
        return self._seen(" ".join(page[:BEGINNING]))

    def _lookup(self, words: str) -> Observation:
        wanted, place = words.strip().casefold(), self._place
        if not place.page:
            return self._seen("No page is open: search[title] first.", valid=False)
        if not wanted:
            return self._seen("Say what to look up: lookup[words].", valid=False)
        found = place.found if wanted == place.words else 0
        hits = [sentence for sentence in place.page if wanted in sentence.casefold()]
        self._place = replace(place, words=wanted, found=min(found + 1, len(hits)))
        if found >= len(hits):
            return self._seen("No more results.")
        return self._seen(f"(Result {found + 1} / {len(hits)}) {hits[found]}")

    def _finish(self, task: Task, answer: str) -> Observation:
        self._place = replace(self._place, done=True)
        reward, facts = self.grade(task, answer)
        stop = "solved" if reward == 1 else "not solved"
        info = {"won": reward == 1, "steps": self._place.steps, "valid": True, **facts}
        return Observation(
            "Your answer was taken.", reward=reward, done=True, info={**info, "stop": stop}
        )

    def _seen(self, text: str, *, valid: bool = True) -> Observation:
        info: dict[str, Any] = {"won": False, "steps": self._place.steps, "valid": valid}
        plan = self.plan(self._playing(), self._place)
        if plan is not None:
            info["expert_plan"] = plan
        if self._place.steps < self.max_steps:
            return Observation(text, info=info)
        self._place = replace(self._place, done=True)
        return Observation(text, done=True, info={**info, "stop": "step limit"})

    def _playing(self) -> Task:
        if self._task is None:
            raise RuntimeError("no task is set up: call reset first")
        return self._task
