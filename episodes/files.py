"""Taking episodes elsewhere: JSON lines, Parquet, readable Markdown."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from .episode import Episode
from .facts import in_words
from .turn import Step, ToolCall, Turn

PARQUET_ROWS = 1000
"""Turns in one row group."""


def export(episodes: Iterable[Episode], path: str | Path) -> int:
    """Write episodes to `path` and return how many; the ending chooses the form.

    `.jsonl` holds an episode a line, in full. `.parquet` holds a turn a row with its episode's
    score (nested values as JSON text, token ids as lists), which Hugging Face `datasets` reads.

    Raises:
        ValueError: the ending is neither.
        ImportError: Parquet is wanted and pyarrow is missing.
    """
    path = Path(path)
    writers = {".jsonl": _write_jsonl, ".parquet": _write_parquet}
    if path.suffix not in writers:
        raise ValueError(f"cannot export to {path.name!r}: end it in {' or '.join(writers)}")
    path.parent.mkdir(parents=True, exist_ok=True)
    return writers[path.suffix](episodes, path)


def _write_jsonl(episodes: Iterable[Episode], path: Path) -> int:
    count = 0
    with path.open("w", encoding="utf-8") as file:
        for episode in episodes:
            file.write(json.dumps(asdict(episode)) + "\n")
            count += 1
    return count


def _write_parquet(episodes: Iterable[Episode], path: Path) -> int:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise ImportError('Parquet export needs pyarrow: pip install "symposia[view]"') from error
    schema = pa.schema(
        [(name, pa.string()) for name in ("run", "task", "kind", "team", "stop", "id", "parent")]
        + [("attempt", pa.int64()), ("seed", pa.int64()), ("position", pa.int64())]
        + [("score", pa.float64()), ("success", pa.bool_())]
        + [(name, pa.string()) for name in ("agent", "node", "branch", "model", "finish", "error")]
        + [(name, pa.string()) for name in ("messages", "reply", "parsed")]
        + [("unreadable", pa.bool_())]
        + [("prompt_ids", pa.list_(pa.int32())), ("completion_ids", pa.list_(pa.int32()))]
        + [("logprobs", pa.list_(pa.float64()))]
        + [("prompt_tokens", pa.int64()), ("completion_tokens", pa.int64())]
        + [("cost", pa.float64()), ("started", pa.float64()), ("seconds", pa.float64())]
    )
    count = 0
    rows: list[dict[str, Any]] = []
    with pq.ParquetWriter(path, schema) as writer:
        for episode in episodes:
            count += 1
            rows.extend(_rows(episode))
            if len(rows) >= PARQUET_ROWS:
                writer.write_table(pa.Table.from_pylist(rows, schema))
                rows = []
        writer.write_table(pa.Table.from_pylist(rows, schema))
    return count


def _rows(episode: Episode) -> Iterator[dict[str, Any]]:
    for position, turn in enumerate(episode.turns):
        row = {name: getattr(turn, name) for name in Turn.__slots__ if name != "tokens"}
        for nested in ("messages", "reply", "parsed"):
            row[nested] = json.dumps(row[nested])
        yield row | {
            "run": episode.run,
            "task": episode.task,
            "attempt": episode.attempt,
            "kind": episode.kind,
            "team": episode.team,
            "seed": episode.seed,
            "position": position,
            "score": episode.outcome.score,
            "success": episode.outcome.success,
            "stop": episode.outcome.stop,
            "prompt_ids": turn.tokens and turn.tokens.prompt_ids,
            "completion_ids": turn.tokens and turn.tokens.completion_ids,
            "logprobs": turn.tokens and turn.tokens.logprobs,
        }


def to_markdown(episode: Episode) -> str:
    """The episode as a page to read: who said what, in which branch, what the world answered, what
    it cost. Where there was no world, nothing was scored, and the page says so."""
    total, outcome = episode.total, episode.outcome
    won = f"**{'solved' if outcome.success else 'not solved'}** (score {outcome.score:g}, "
    if not (episode.steps or outcome.success or outcome.error):
        won = "**not scored** ("
    lines = [
        f"# {episode.task}",
        "",
        f"Team **{episode.team}**, attempt {episode.attempt}, seed {episode.seed}: "
        f"{won}{outcome.stop or 'no reason given'}). "
        f"{total.calls} calls, {total.tokens} tokens, {episode.seconds:.1f} s.",
        "",
        f"> {episode.prompt}".replace("\n", "\n> "),
    ]
    if outcome.error:
        lines += ["", f"Error: `{outcome.error}`"]
    events: list[Turn | ToolCall | Step] = [*episode.turns, *episode.tools, *episode.steps]
    for event in sorted(events, key=lambda event: event.started):
        lines += ["", *_event_lines(event)]
    if episode.answer:
        lines += ["", f"**Answer:** {episode.answer}"]
    return "\n".join(lines) + "\n"


def _event_lines(event: Turn | ToolCall | Step) -> list[str]:
    match event:
        case Turn():
            return _turn_lines(event)
        case ToolCall():
            return _quoted(f"`{event.name}({event.arguments})`", event.error or event.result)
        case Step():
            return _step_lines(event)


def _turn_lines(turn: Turn) -> list[str]:
    reply = turn.reply or {}
    content = reply.get("content") or ""
    blocks = [content] if isinstance(content, str) else content
    calls = [call["function"] for call in reply.get("tool_calls", ())]
    branch = f", branch {turn.branch}" if turn.branch else ""
    note = " (unreadable)" if turn.unreadable else ""
    return _quoted(
        f"**{turn.agent or turn.node}**{branch}{note}",
        *([turn.error] if turn.error else map(_block_text, blocks)),
        *(f"{call['name']}({call['arguments']})" for call in calls),
    )


def _block_text(block: str | dict[str, Any]) -> str:
    """A content block in OpenAI's format: its text, or the name of what cannot be shown here."""
    if isinstance(block, str):
        return block
    return str(block["text"]) if block["type"] == "text" else f"[{block['type']}]"


def _quoted(title: str, *said: str) -> list[str]:
    return [f"{title}:", "", *(f"    {line}" for text in said for line in text.splitlines())]


def _step_lines(step: Step) -> list[str]:
    done = f" **[done, reward {step.reward:g}]**" if step.done else ""
    action = [] if step.action is None else [f"`> {step.action}`", ""]
    said = f"> {step.text}".replace("\n", "\n> ") + done
    remarks = ["", f"*{in_words(step.remarks)}*"] if step.remarks else []
    return [*action, said, *remarks]
