"""HotpotQA: questions that need two pages (Yang et al., EMNLP 2018), with search, as in ReAct."""

from __future__ import annotations

import hashlib
import json
import logging
import re
import string
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ...episodes import Task
from ..cache import cache_folder
from ..rows import data_file
from .encyclopedia import Encyclopedia
from .published import Published

log = logging.getLogger(__name__)

FILES = ("hotpot_dev_distractor_v1.json", "hotpot_dev_v1_simplified.json")
"""What is looked for: the official file, whose contexts can be searched; or ReAct's, without."""
_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)


class HotpotQA(Published):
    """HotpotQA: questions that need two pages of an encyclopedia. A kind is `bridge` or
    `comparison`.

    Reward is 1 for an exact match by the official rule, else 0; the official F1 is in `info`.

    Args:
        data: the folder with one of `FILES`, or such a file; by default `$SYMPOSIA_DATA/hotpotqa`.
        corpus: a file that `Corpus.build` wrote, with titles, to search in. None: the paragraphs
            that come with the questions, where the file has them.
        max_steps: actions until a task ends without an answer; 7 in ReAct.

    Example:
        "Were Scott Derrickson and Ed Wood of the same nationality?" -> yes
    """

    name = "hotpotqa"
    splits = ("dev",)

    def __init__(
        self,
        *,
        data: str | Path | None = None,
        corpus: str | Path | None = None,
        max_steps: int = 7,
    ) -> None:
        super().__init__(data=data, corpus=corpus, max_steps=max_steps)
        self._encyclopedia: Encyclopedia | None = None

    def tasks(self, split: str = "dev") -> Sequence[Task]:
        """The questions, in the file's order.

        Raises:
            ValueError: the split is unknown, there is no file, or there is nothing to search in.
        """
        self.require_split(split)
        tasks = []
        self.faults = Counter()
        file = self._file()
        rows = _rows(file)
        if self._corpus is None and not any(True for _ in _pages(rows)):
            raise _nothing_to_search(file)
        for number, row in enumerate(rows):
            try:
                question, answer, kind = row["question"], row["answer"], row.get("type", "")
                if not isinstance(answer, str) or not question:
                    raise ValueError("the question is empty or its answer is no text")
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                reason = f"{type(error).__name__}: {error}"
                log.warning("%s, row %d holds no question: %s", file, number + 1, reason)
                self.faults[f"{file.name}: no question in a row"] += 1
                continue
            identity = f"hotpotqa:{row.get('_id', number)}"
            tasks.append(Task(identity, f"Question: {question}", kind, reference=answer))
        return tasks

    def encyclopedia(self) -> Encyclopedia:
        """The pages to search in; those of the questions are built at first use and kept."""
        if self._encyclopedia is None:
            self._encyclopedia = Encyclopedia(self._corpus or self._built())
        return self._encyclopedia

    def grade(self, task: Task, answer: str) -> tuple[float, dict[str, Any]]:
        return float(exact_match(answer, task.reference)), {"f1": f1(answer, task.reference)}

    def _file(self) -> Path:
        for wanted in FILES[:-1]:
            try:
                return data_file(self._data, "hotpotqa", wanted)
            except ValueError:
                continue
        return data_file(self._data, "hotpotqa", FILES[-1])

    def _built(self) -> Path:
        file = self._file()
        facts = file.stat()
        key = f"{file.resolve()} {facts.st_size} {facts.st_mtime_ns}"
        digest = hashlib.sha256(key.encode()).hexdigest()[:16]
        built = cache_folder() / "hotpotqa" / f"{digest}.sqlite"
        if not built.exists():
            built.parent.mkdir(parents=True, exist_ok=True)
            Encyclopedia.build(built, _pages(_rows(file)))
        return built


def _rows(file: Path) -> list[dict[str, Any]]:
    try:
        rows = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{file} is not JSON: {error}") from error
    if not isinstance(rows, list):
        raise ValueError(f"{file} does not hold a list of questions")
    return rows


def _nothing_to_search(file: Path) -> ValueError:
    return ValueError(
        f"{file.name} has no paragraphs to search in: pass corpus=FILE (see docs/looking-up.md), "
        f"or the official {FILES[0]}"
    )


def _pages(rows: Sequence[Any]) -> Iterator[Mapping[str, str]]:
    for row in rows:
        for page in row.get("context", ()) if isinstance(row, dict) else ():
            try:
                title, sentences = page
                yield {"title": str(title), "text": " ".join(map(str.strip, sentences))}
            except (TypeError, ValueError):
                continue


def normal(text: str) -> str:
    """An answer as the official script compares it: lower case, without punctuation, articles and
    further spaces."""
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def exact_match(answer: str, gold: str) -> bool:
    """The official exact match."""
    return normal(answer) == normal(gold)


def f1(answer: str, gold: str) -> float:
    """The official F1 over words; yes, no and noanswer match only themselves."""
    said, wanted = normal(answer), normal(gold)
    closed = {"yes", "no", "noanswer"}
    if said != wanted and (said in closed or wanted in closed):
        return 0.0
    ours, theirs = said.split(), wanted.split()
    same = (Counter(ours) & Counter(theirs)).total()
    return 2 * same / (len(ours) + len(theirs)) if same else 0.0
