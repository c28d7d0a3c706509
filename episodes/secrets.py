"""Keeping keys out of the record."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_KEY = re.compile(
    r"(?i)(^|[_-])(api[_-]?key|key|token|secret|password|passwd|authorization|auth|headers?|"
    r"cookie|credentials?)$"
)
_VALUE = re.compile(
    r"(?i)\b(sk|pk|rk|hf|gh[pousr]|xox[abp]|glpat|AIza)[-_][\w-]{8,}"
    r"|\bAIza[\w-]{20,}|\bAKIA[A-Z0-9]{12,}"
    r"|(?<=bearer )[\w.~+/=-]{8,}"
    r"|(?<=://)[^\s/@:]+:[^\s/@]+(?=@)"
)


def scrub(value: Any) -> Any:
    """A copy of `value` without secrets: entries named like keys dropped, key-like text blanked.

    Works through mappings, sequences and strings; other values are returned as they are.
    """
    if isinstance(value, Mapping):
        return {k: scrub(v) for k, v in value.items() if not _KEY.search(str(k))}
    if isinstance(value, str):
        return _VALUE.sub("[secret]", value)
    if isinstance(value, (list, tuple)):
        return [scrub(item) for item in value]
    return value
