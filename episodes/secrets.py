"""Keeping keys out of the record."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from pydantic import SecretBytes, SecretStr

BLANK = "[secret]"
_NAME = re.compile(
    r"(?:^|_)(?:(?:api|access|auth|client|private|refresh|secret|session)_?(?:keys?|tokens?)|key"
    r"|token|secrets?|passwords?|passwd|pwd|passphrase|auth|authorization|headers?|cookies?"
    r"|credentials?)$"
)
"""Names for secrets, in snake case. `keys` and `tokens` are such names only after a qualifier."""
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_OPTION = re.compile(r"--?[a-zA-Z][\w-]*")
_SHAPE = re.compile(
    r"(?i)\b(?:"
    # a name, short groups, and at last twelve letters and digits in a row: sk-proj-..., ghp_...
    r"(?:[spr]k|gsk|hf|xai|gh[pousr]|github_pat|xox[a-z])(?:[-_][a-z0-9]+){0,9}?"
    r"[-_](?=[a-z]*\d)[a-z0-9]{12}[\w-]*"
    r"|(?:glpat-|AIza)(?=[\w-]{0,40}\d)[\w-]{16,}"
    r"|AKIA[A-Z0-9]{12,})"
    r"|(?<![\w-])eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,}"
)
_SCHEME = re.compile(r"(?i)\b(authorization\W{1,5}basic\s+|bearer\s+)[\w.~+/=-]{8,}")
_NAMED = re.compile(r"""(?<![\w-])([\w-]++)(?:=|["']:\s*(?=["']))""")
_VALUE = re.compile(r"""(?P<quote>["']).*?(?P=quote)|["']?[^\s"'&]+""", re.DOTALL)
_LOGIN = re.compile(r"(?<=://)(?:[^\s/@:]*:[^\s/]+|(?=[^\s/@:]*\d)[^\s/@:]{8,})(?=@)")


def scrub(value: Any) -> Any:
    """A copy of `value` without secrets: entries named like keys dropped, key-like text blanked.

    Works through mappings, sequences, sets and strings; other values are returned as they are. In
    a sequence, what follows an option such as `--api-key` is blanked.
    """
    if isinstance(value, Mapping):
        return {name: scrub(held) for name, held in value.items() if not _credential(str(name))}
    if isinstance(value, str):
        return scrub_text("".join(_scrub_pairs(scrub_text(value))))
    if isinstance(value, (list, tuple)):
        return list(_scrub_items(value))
    if isinstance(value, AbstractSet):
        return scrub(sorted(value, key=repr))
    return BLANK if isinstance(value, (SecretStr, SecretBytes)) else value


def scrub_text(text: str) -> str:
    """`text` without what looks like a key by its own form, whatever it is called. What is merely
    named like one (`key=len` in a program) stays, so that text keeps its meaning."""
    return _LOGIN.sub(BLANK, _SHAPE.sub(BLANK, _SCHEME.sub(rf"\1{BLANK}", text)))


def error_text(error: BaseException) -> str:
    """The type and the message of an error, without secrets."""
    return str(scrub(f"{type(error).__name__}: {error}"))


def _scrub_items(items: Sequence[Any]) -> Iterator[Any]:
    named = False
    for item in items:
        option = isinstance(item, str) and _OPTION.fullmatch(item) is not None
        yield BLANK if named and isinstance(item, str) and not option else scrub(item)
        named = option and _credential(item)


def _scrub_pairs(text: str) -> Iterator[str]:
    """`text` in pieces, the values of `api_key=...` and `"api_key": "..."` blanked."""
    done = 0
    for name in _NAMED.finditer(text):
        if name.start() < done or not _credential(name[1]):
            continue
        if value := _VALUE.match(text, name.end()):
            quote = value["quote"] or ""
            yield f"{text[done : name.end()]}{quote}{BLANK}{quote}"
            done = value.end()
    yield text[done:]


def _credential(name: str) -> bool:
    """Whether `name`, in any of the usual spellings, is one for a secret."""
    return _NAME.search("_".join(_WORD.findall(name)).lower()) is not None
