"""Cassettes: model calls recorded to a file, and replayed from it without the model.

A call is known by what is asked (messages, tools, structured output, stop strings, options, the
model), by the episode's seed, and by how often the same was asked before in the episode; so a run
that is repeated gets the replies that it got, whatever runs beside it. The file has a line a call
and is only ever appended to. What stands in it, without secrets, is what the caller gets, when
recording as when replaying.
"""

from __future__ import annotations

import json
import logging
import os
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from difflib import SequenceMatcher
from itertools import count
from pathlib import Path
from typing import Any, Literal, get_args

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage

from .cassette_line import Ask, label, scrubbed, signature
from .cassette_model import CassetteModel

log = logging.getLogger(__name__)

Mode = Literal["record", "replay", "lenient"]
SHOWN = 200
"""How much of a prompt's end an error message shows, in characters."""
REMEMBERED_CALLS = 100_000
"""How many prompts keep their count of repeats."""
FIELDS = {"request", "seed", "nth", "model", "name", "ls", "about", "prompt", "reply"}
"""What a line of the file has."""


class CassetteMissError(LookupError):
    """A call that is not on the cassette."""


Key = tuple[str, int | None, int]
"""The request's hash, the episode's seed, and how often the same was asked before."""


class Cassette:
    """A file of recorded model calls.

    Modes:
        replay: answers come from the file only; a call that is not there is an error.
        lenient: a call that is not in the file goes to the model and is recorded.
        record: calls go to the model; what is recorded anew replaces what the file had. A call
            with an equal key in this session (another episode with the same seed) is answered
            with what was recorded first.

    Errors of the model are not recorded. Several processes may append to one file. A line that
    was cut off when a process was killed is dropped.

    Args:
        path: the file, `.jsonl`.
        mode: see above.

    Raises:
        ValueError: the mode is unknown, or there is nothing to replay.
    """

    def __init__(self, path: str | Path, mode: Mode = "replay") -> None:
        if mode not in get_args(Mode):
            raise ValueError(f"unknown mode {mode!r}; there are: {', '.join(get_args(Mode))}")
        self.path = Path(path)
        self.mode = mode
        self._lock = threading.Lock()
        self._lines: dict[Key, dict[str, Any]] = {}
        self._session: set[Key] = set()
        self._asked: OrderedDict[tuple[str, str, int | None], set[int]] = OrderedDict()
        if self.path.exists():
            self._read()
        elif mode == "replay":
            raise ValueError(f"there is no cassette at {self.path}; {_how(self.path)}")
        else:
            self.path.parent.mkdir(parents=True, exist_ok=True)

    def __len__(self) -> int:
        """How many calls are recorded."""
        return len(self._lines)

    def wrap(self, model: BaseChatModel | None = None, name: str = "") -> CassetteModel:
        """A chat model that records what `model` answers, or replays it.

        Args:
            model: the model to ask; may be left out to replay.
            name: stands for the model and its settings in the file; made from them by default,
                and from the file where there is no model.

        Raises:
            ValueError: no model is given where one is needed, or the file has several.
        """
        if model is None and self.mode != "replay":
            raise ValueError(f"a cassette in mode {self.mode!r} needs a model to ask")
        if model is not None:
            ls = dict(model._get_ls_params())
            return CassetteModel(
                cassette=self,
                inner=model,
                name=label(model),
                model=name or signature(model),
                ls=ls,
            )
        recorded = {line["model"]: line for line in self._lines.values()}
        if not name and len(recorded) != 1:
            known = "; ".join(recorded) or "none"
            raise ValueError(f"{self.path} has several models, give one as name: {known}")
        name = name or next(iter(recorded))
        line = recorded.get(name, {"name": name, "ls": {}})
        return CassetteModel(cassette=self, name=line["name"], model=name, ls=line["ls"])

    @contextmanager
    def turn(self, ask: Ask) -> Iterator[Key]:
        """The key of this call. A call that fails gives its place to the next one."""
        request = ask.request
        scope = (ask.episode, request, ask.seed)
        with self._lock:
            taken = self._asked.pop(scope, set())
            self._asked[scope] = taken
            nth = next(n for n in count() if n not in taken)
            taken.add(nth)
            if len(self._asked) > REMEMBERED_CALLS:
                self._asked.popitem(last=False)
        try:
            yield request, ask.seed, nth
        except BaseException:
            taken.discard(nth)
            raise

    def recorded(self, ask: Ask, key: Key) -> AIMessage | None:
        """The reply on the cassette; None when the model is to be asked.

        Raises:
            CassetteMissError: there is none, and only replies from the file are wanted.
        """
        line = self._lines.get(key)
        if line is not None and (self.mode != "record" or key in self._session):
            return AIMessage.model_validate(line["reply"])
        if self.mode == "replay":
            raise CassetteMissError(self._miss(ask, key))
        return None

    def keep(self, ask: Ask, key: Key, name: str, reply: BaseMessage) -> AIMessage:
        """Record `reply` and return what stands in the file for this call."""
        line = {
            "request": key[0],
            "seed": key[1],
            "nth": key[2],
            "model": ask.model,
            "name": name,
            "ls": ask.ls,
            "about": ask.about,
            "prompt": ask.prompt,
            "reply": scrubbed(reply),
        }
        written = json.dumps(line, default=str)
        with self._lock:
            if key not in self._session:
                self._session.add(key)
                line = json.loads(written)
                if self._lines.get(key) != line:
                    self._append(written)
                self._lines[key] = line
            return AIMessage.model_validate(self._lines[key]["reply"])

    def _append(self, line: str) -> None:
        """Write a line in one piece; the break before it ends a line that a kill cut off."""
        data = f"\n{line}\n".encode()
        file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            if os.write(file, data) < len(data):
                raise OSError(f"{self.path} took only a part of a line: is the disk full?")
        finally:
            os.close(file)

    def _read(self) -> None:
        cut = 0
        for text in filter(None, self.path.read_bytes().splitlines()):
            try:
                line = json.loads(text)
            except ValueError:
                cut += 1
                continue
            if not isinstance(line, dict) or not line.keys() >= FIELDS:
                raise ValueError(f"{self.path} is not a cassette: {text[:80]!r} is not a call")
            self._lines[line["request"], line["seed"], line["nth"]] = line
        if cut:
            log.warning("%s: %d lines that were cut off are dropped", self.path, cut)

    def _miss(self, ask: Ask, key: Key) -> str:
        """What to say of a call that is not here: how it differs from the nearest one."""
        prompt = ask.prompt
        start = f"{self.path} has no reply to the prompt that ends in {prompt[-SHOWN:]!r}"
        if not self._lines:
            return f"{start}, nor to any other; {_how(self.path)}"
        prompts = {line["prompt"] for line in self._lines.values()}
        nearest = max(prompts, key=lambda held: SequenceMatcher(None, held, prompt).quick_ratio())
        if nearest != prompt:
            end = nearest[-SHOWN:]
            return f"{start}; the nearest recorded one ends in {end!r}; {_how(self.path)}"
        wanted = {**ask.about, "nth": key[2]}
        held = [
            {**line["about"], "nth": line["nth"]}
            for line in self._lines.values()
            if line["prompt"] == prompt
        ]
        closest = min((_differing(one, wanted) for one in held), key=len)
        what = "; ".join(closest) or "an earlier message"
        return f"{start} as it is asked now: what differs is {what}; {_how(self.path)}"


def _how(path: Path) -> str:
    return (
        "to record it, leave out --replay on the command line, or in Python put "
        f"Cassette({str(path)!r}, mode='lenient') around the model"
    )


def _differing(held: dict[str, Any], wanted: dict[str, Any]) -> list[str]:
    return [
        f"{name}={held.get(name)!r} there, {wanted.get(name)!r} now"
        for name in {**held, **wanted}
        if held.get(name) != wanted.get(name)
    ]
