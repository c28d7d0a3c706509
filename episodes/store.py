"""Where episodes are kept: one SQLite file, safe against kills and against several writers.

Writes are idempotent on (run, task, attempt): the first episode of a name stays, a second is
dropped, so a killed run that is started again neither loses nor repeats anything. Conversations
repeat their messages at every turn; each distinct message is stored once.
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
import time
from array import array
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from hashlib import blake2b
from pathlib import Path
from typing import Any, Self

from .episode import Episode, Outcome
from .ledger import Usage
from .turn import Step, Tokens, ToolCall, Turn

SCHEMA = """
CREATE TABLE IF NOT EXISTS runs (
    run TEXT PRIMARY KEY, created REAL NOT NULL, manifest TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS episodes (
    run TEXT NOT NULL, task TEXT NOT NULL, attempt INTEGER NOT NULL,
    kind TEXT NOT NULL, team TEXT NOT NULL, seed INTEGER NOT NULL, prompt TEXT NOT NULL,
    answer TEXT NOT NULL, score REAL NOT NULL, success INTEGER NOT NULL, stop TEXT NOT NULL,
    error TEXT NOT NULL, measures TEXT NOT NULL, usage TEXT NOT NULL, steps TEXT NOT NULL,
    tools TEXT NOT NULL, started REAL NOT NULL, seconds REAL NOT NULL,
    findings TEXT NOT NULL DEFAULT '{}',
    PRIMARY KEY (run, task, attempt));
CREATE TABLE IF NOT EXISTS turns (
    run TEXT NOT NULL, task TEXT NOT NULL, attempt INTEGER NOT NULL, position INTEGER NOT NULL,
    id TEXT NOT NULL, parent TEXT, agent TEXT NOT NULL, node TEXT NOT NULL, step INTEGER NOT NULL,
    branch TEXT NOT NULL, model TEXT NOT NULL, messages BLOB NOT NULL, reply TEXT, parsed TEXT,
    unreadable INTEGER NOT NULL, prompt_ids BLOB, completion_ids BLOB, logprobs BLOB,
    prompt_tokens INTEGER NOT NULL, completion_tokens INTEGER NOT NULL, cost REAL NOT NULL,
    started REAL NOT NULL, seconds REAL NOT NULL, finish TEXT NOT NULL, error TEXT NOT NULL,
    PRIMARY KEY (run, task, attempt, position));
CREATE TABLE IF NOT EXISTS messages (id BLOB PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
"""
DIGEST = 16
"""Bytes of a message's id, a hash of its content."""
BUSY_SECONDS = 60.0
"""How long a writer waits for another process before it gives up."""
EPISODE_COLUMNS = 19
TURN_COLUMNS = 25


class EpisodeStore:
    """Runs and their episodes in an SQLite file (WAL mode).

    One store may be used from several threads, and one file by several processes.

    Args:
        path: the database file, or a folder, which then holds `episodes.db`.
        create: make the file if it is not there; off for those who only read.

    Raises:
        FileNotFoundError: there is no file and none is to be made.
        ValueError: the file is no database.
    """

    def __init__(self, path: str | Path, *, create: bool = True) -> None:
        path = Path(path)
        self.path = path if path.suffix == ".db" else path / "episodes.db"
        if not create and not self.path.exists():
            raise FileNotFoundError(
                f"no episode store at {self.path}; give the folder or file that a run wrote to"
            )
        self._lock = threading.Lock()
        if create:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._db = self._connect(str(self.path))
        else:
            writable = os.access(self.path.parent, os.W_OK)
            mode = "mode=ro" if writable else "immutable=1"
            self._db = self._connect(f"{self.path.resolve().as_uri()}?{mode}")
        try:
            self._prepare(create)
        except sqlite3.DatabaseError as error:
            self._db.close()
            if error.sqlite_errorcode != sqlite3.SQLITE_NOTADB:
                raise
            raise ValueError(
                f"{self.path} is damaged, or no episode store: restore a copy of it, or name "
                "another folder"
            ) from error

    def _prepare(self, create: bool) -> None:
        if not create:
            _patiently(lambda: self._db.execute("PRAGMA schema_version"))
            return
        _patiently(lambda: self._db.execute("PRAGMA journal_mode=WAL"))
        self._db.execute("PRAGMA synchronous=NORMAL")
        _patiently(lambda: self._db.executescript(SCHEMA))
        columns = {row[1] for row in self._db.execute("PRAGMA table_info(episodes)")}
        if "findings" not in columns:  # an older store
            _patiently(
                lambda: self._db.execute(
                    "ALTER TABLE episodes ADD COLUMN findings TEXT NOT NULL DEFAULT '{}'"
                )
            )

    def _connect(self, place: str) -> sqlite3.Connection:
        return sqlite3.connect(
            place,
            timeout=BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,
            uri=place.startswith("file:"),
        )

    def begin(self, run: str, manifest: Mapping[str, Any]) -> dict[str, Any]:
        """Open `run`, new or to be resumed, and return the manifest it began with.

        Raises:
            ValueError: the run exists and was begun with another config; the message names what
                differs. Nothing is changed.
        """
        written = _json(manifest)
        with self._lock:
            self._db.execute(
                "INSERT INTO runs VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                (run, time.time(), written),
            )
        kept = self.manifest(run)
        wanted = json.loads(written).get("config", {})
        held = kept.get("config", {})
        differing = [k for k in sorted({*held, *wanted}) if held.get(k) != wanted.get(k)]
        if differing:
            changes = "; ".join(
                f"{k}: {held.get(k)!r} then, {wanted.get(k)!r} now" for k in differing
            )
            raise ValueError(
                f"run {run!r} in {self.path} was begun with another config ({changes}). "
                "Resume it as it was begun, or choose another run name (`run=`, `--run`)."
            )
        return kept

    def add(self, episode: Episode) -> bool:
        """Write `episode` whole, or not at all if one of its name is there. True when written."""
        name = (episode.run, episode.task, episode.attempt)
        messages: dict[bytes, str] = {}
        digests: dict[int, bytes] = {}
        turns = [
            _sound((*name, position, *_turn_row(turn, messages, digests)))
            for position, turn in enumerate(episode.turns)
        ]
        with self._lock, _Transaction(self._db):
            written = self._db.execute(
                f"INSERT INTO episodes VALUES ({_marks(EPISODE_COLUMNS)}) ON CONFLICT DO NOTHING",
                _sound((*name, *_episode_row(episode))),
            )
            if written.rowcount == 0:
                return False
            self._db.executemany(
                "INSERT INTO messages VALUES (?, ?) ON CONFLICT DO NOTHING", messages.items()
            )
            self._db.executemany(f"INSERT INTO turns VALUES ({_marks(TURN_COLUMNS)})", turns)
        return True

    def remove(self, run: str, task: str, attempt: int = 0) -> None:
        """Forget an episode, so that it can be played again. Its messages stay."""
        with self._lock, _Transaction(self._db):
            for table in ("episodes", "turns"):
                self._db.execute(
                    f"DELETE FROM {table} WHERE run = ? AND task = ? AND attempt = ?",
                    (run, task, attempt),
                )

    def runs(self) -> list[str]:
        """The runs, oldest first."""
        return [row[0] for row in self._read("SELECT run FROM runs ORDER BY created, run")]

    def manifest(self, run: str) -> dict[str, Any]:
        """The manifest that `run` began with.

        Raises:
            KeyError: there is no such run; the message lists those there are.
        """
        rows = self._read("SELECT manifest FROM runs WHERE run = ?", run)
        if not rows:
            known = ", ".join(self.runs()) or "none"
            raise KeyError(f"no run {run!r} in {self.path}; there are: {known}")
        return dict(json.loads(rows[0][0]))

    def finished(self, run: str) -> set[tuple[str, int]]:
        """(task, attempt) of every episode of `run` that is stored."""
        return set(self._read("SELECT task, attempt FROM episodes WHERE run = ?", run))

    def episodes(self, run: str) -> Iterator[Episode]:
        """The episodes of `run`, in the order of tasks and attempts, each read when asked for."""
        for name in self._read(
            "SELECT run, task, attempt FROM episodes WHERE run = ? ORDER BY task, attempt", run
        ):
            yield self.episode(*name)

    def episode(self, run: str, task: str, attempt: int = 0) -> Episode:
        """One episode.

        Raises:
            KeyError: it is not stored.
        """
        name = (run, task, attempt)
        where = "WHERE run = ? AND task = ? AND attempt = ?"
        rows = self._read(f"SELECT * FROM episodes {where}", *name)
        if not rows:
            raise KeyError(f"no episode of task {task!r}, attempt {attempt}, in run {run!r}")
        turns = self._read(f"SELECT * FROM turns {where} ORDER BY position", *name)
        bodies: dict[bytes, dict[str, Any]] = {}
        return _episode(rows[0], tuple(self._turn(row[4:], bodies) for row in turns))

    def close(self) -> None:
        """Close the file. Safe to call twice."""
        with self._lock:
            self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _read(self, query: str, *values: Any) -> list[Any]:
        with self._lock:
            return self._db.execute(query, values).fetchall()

    def _turn(self, row: tuple[Any, ...], bodies: dict[bytes, dict[str, Any]]) -> Turn:
        ids = [row[7][i : i + DIGEST] for i in range(0, len(row[7]), DIGEST)]
        for id in ids:
            if id not in bodies:
                (body,) = self._read("SELECT body FROM messages WHERE id = ?", id)[0]
                bodies[id] = json.loads(body)
        return Turn(
            id=row[0],
            parent=row[1],
            agent=row[2],
            node=row[3],
            step=row[4],
            branch=row[5],
            model=row[6],
            messages=tuple(bodies[id] for id in ids),
            reply=_loads(row[8]),
            parsed=_loads(row[9]),
            unreadable=bool(row[10]),
            tokens=_unpacked(*row[11:14]),
            prompt_tokens=row[14],
            completion_tokens=row[15],
            cost=row[16],
            started=row[17],
            seconds=row[18],
            finish=row[19],
            error=row[20],
        )


class _Transaction:
    """A write transaction that takes its lock at the start, so that two writers never deadlock."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self.db = db

    def __enter__(self) -> None:
        self.db.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        self.db.execute("COMMIT" if kind is None else "ROLLBACK")


def _patiently(action: Any) -> None:
    """Run `action`, waiting for other writers: a switch to WAL does not heed the busy timeout."""
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            action()
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def _marks(count: int) -> str:
    return ", ".join("?" * count)


def _episode_row(episode: Episode) -> tuple[Any, ...]:
    outcome = episode.outcome
    return (
        episode.kind,
        episode.team,
        episode.seed,
        episode.prompt,
        episode.answer,
        outcome.score,
        outcome.success,
        outcome.stop,
        outcome.error,
        _json(outcome.measures),
        _json({agent: asdict(usage) for agent, usage in episode.usage.items()}),
        _json([asdict(step) for step in episode.steps]),
        _json([asdict(tool) for tool in episode.tools]),
        episode.started,
        episode.seconds,
        _json(episode.findings),
    )


def _episode(row: tuple[Any, ...], turns: tuple[Turn, ...]) -> Episode:
    steps = [{**step, "admissible": tuple(step["admissible"])} for step in json.loads(row[14])]
    return Episode(
        run=row[0],
        task=row[1],
        attempt=row[2],
        kind=row[3],
        team=row[4],
        seed=row[5],
        prompt=row[6],
        answer=row[7],
        outcome=Outcome(
            score=row[8],
            success=bool(row[9]),
            stop=row[10],
            error=row[11],
            measures=json.loads(row[12]),
        ),
        usage={agent: Usage(**usage) for agent, usage in json.loads(row[13]).items()},
        steps=tuple(Step(**step) for step in steps),
        tools=tuple(ToolCall(**tool) for tool in json.loads(row[15])),
        turns=turns,
        started=row[16],
        seconds=row[17],
        findings=json.loads(row[18]) if len(row) > EPISODE_COLUMNS - 1 else {},
    )


def _turn_row(turn: Turn, messages: dict[bytes, str], digests: dict[int, bytes]) -> tuple[Any, ...]:
    """A turn's columns. `digests` remembers the ids of message objects that turns share."""
    ids = []
    for message in turn.messages:
        digest = digests.get(id(message))
        if digest is None:
            body = _json(message, sort_keys=True)
            digest = blake2b(body.encode(), digest_size=DIGEST).digest()
            digests[id(message)] = digest
            messages[digest] = body
        ids.append(digest)
    return (
        turn.id,
        turn.parent,
        turn.agent,
        turn.node,
        turn.step,
        turn.branch,
        turn.model,
        b"".join(ids),
        _dumps(turn.reply),
        _dumps(turn.parsed),
        turn.unreadable,
        *_packed(turn.tokens),
        turn.prompt_tokens,
        turn.completion_tokens,
        turn.cost,
        turn.started,
        turn.seconds,
        turn.finish,
        turn.error,
    )


def _packed(tokens: Tokens | None) -> tuple[bytes | None, bytes | None, bytes | None]:
    """Token ids as 32-bit integers, log-probabilities as 64-bit floats: nothing is rounded."""
    if tokens is None:
        return None, None, None
    return (
        array("i", tokens.prompt_ids).tobytes(),
        array("i", tokens.completion_ids).tobytes(),
        array("d", tokens.logprobs).tobytes(),
    )


def _unpacked(prompt: bytes | None, completion: bytes | None, logs: bytes | None) -> Tokens | None:
    if prompt is None or completion is None or logs is None:
        return None
    return Tokens(tuple(array("i", prompt)), tuple(array("i", completion)), tuple(array("d", logs)))


def _dumps(value: Any) -> str | None:
    return None if value is None else _json(value)


def _json(value: Any, **options: Any) -> str:
    """JSON in ASCII. What JSON has no form for is written as its text; nothing is lost over it."""
    return json.dumps(value, default=str, **options)


def _sound(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """The row with half characters replaced by `?`: models write them, and SQLite refuses them."""
    return tuple(
        value.encode(errors="replace").decode() if isinstance(value, str) else value
        for value in row
    )


def _loads(text: str | None) -> Any:
    return None if text is None else json.loads(text)
