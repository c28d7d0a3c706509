"""The secret that records are sealed with: the user's own, kept apart from what it seals."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

VARIABLE = "SYMPOSIA_MEMORY_KEY"
"""The environment variable that holds a key, as hexadecimal digits."""
BYTES = 32


def memory_key(path: Path | None = None) -> bytes:
    """The key of this user: from `$SYMPOSIA_MEMORY_KEY`, else from a file that only they can read,
    which is made the first time.

    Args:
        path: the file; `symposia/memory.key` in the user's folder of settings when none is given.

    Raises:
        ValueError: the variable or the file does not hold a key.
    """
    given = os.environ.get(VARIABLE)
    if path is None and given is not None:
        return _read(given, f"${VARIABLE}")
    path = path or _settings() / "symposia" / "memory.key"
    if not path.exists():
        _make(path)
    return _read(path.read_text("utf-8"), str(path))


def _settings() -> Path:
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")


def _read(text: str, source: str) -> bytes:
    try:
        key = bytes.fromhex(text.strip())
    except ValueError:
        key = b""
    if len(key) < BYTES:
        raise ValueError(
            f"{source} holds no key: give {2 * BYTES} hexadecimal digits, as "
            f"`openssl rand -hex {BYTES}` prints them"
        )
    return key


def _make(path: Path) -> None:
    """Write a new key; where another process does so at the same time, the first one stays."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "w", encoding="utf-8") as file:
        file.write(secrets.token_hex(BYTES) + "\n")
    try:
        os.link(new, path)
    except FileExistsError:
        pass
    finally:
        new.unlink()
