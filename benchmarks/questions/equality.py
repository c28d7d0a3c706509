"""Whether two mathematical answers are the same, by the library math-verify.

An answer is compared as a whole. Only where it is no formula as a whole may it be words around a
single number ("18 dollars"); of several numbers none is picked, for that would be a guess.
"""

from __future__ import annotations

import re
from typing import Any

LONGEST = 1000
"""Characters of an answer that are looked at; a longer one is wrong."""
SECONDS = 2
"""What reading or comparing may take; an answer that takes longer is wrong."""
_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?|\.\d+")


def same_answer(answer: str, gold: str) -> bool:
    """Whether `answer` equals `gold`: `\\frac12`, `1/2` and `0.5` do.

    It sets an alarm (`signal.alarm`) against formulas that take forever, so it runs in the main
    thread of a process only.

    Args:
        answer: untrusted text, LaTeX or plain; a `\\boxed{...}` in it is what counts.
        gold: LaTeX.

    Raises:
        ImportError: math-verify is not installed.
    """
    answer = answer.strip()
    if not answer or len(answer) > LONGEST:
        return False
    wanted = _read(rf"\boxed{{{gold}}}")
    written = answer if r"\boxed" in answer else rf"\boxed{{{answer.strip('$')}}}"
    if _equal(wanted, _read(written)):
        return True
    return len(_NUMBER.findall(answer)) == 1 and _equal(wanted, _read(answer))


def require_math_verify() -> None:
    """Make sure that answers can be compared.

    Raises:
        ImportError: math-verify is not installed.
    """
    try:
        import math_verify  # noqa: F401
    except ImportError as error:
        raise ImportError(
            'mathematical answers are compared by math-verify: pip install "symposia[math]"'
        ) from error


def _read(text: str) -> list[Any]:
    from math_verify import ExprExtractionConfig, LatexExtractionConfig, parse

    configs = (LatexExtractionConfig(), ExprExtractionConfig())
    found: list[Any] = parse(text, configs, parsing_timeout=SECONDS)
    return found


def _equal(wanted: list[Any], found: list[Any]) -> bool:
    from math_verify import verify

    return bool(found) and bool(verify(wanted, found, timeout_seconds=SECONDS))
