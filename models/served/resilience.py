"""Patience with a server: what is worth another try, how long to wait, when to stop asking.

Knows nothing of HTTP: whoever speaks to the server says with `ServerError` what went wrong.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception,
    stop_after_attempt,
    stop_before_delay,
    wait_combine,
    wait_random_exponential,
)

FIRST_WAIT = 0.5
"""Seconds before the second try, at most; the bound doubles with every try."""
LONGEST_WAIT = 30.0
"""Seconds between two tries, at most, unless the server asks for more."""
FAILURES = 5
"""Failed calls in a row after which a server counts as down."""
COOL_DOWN = 10.0
"""Seconds in which a server that is down is left alone."""


class ServerError(OSError):
    """A model server gave no usable answer.

    Attributes:
        status: the HTTP status, None where there was none.
        transient: whether the same call may succeed later.
        retry_after: seconds that the server asked to wait.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        transient: bool = False,
        retry_after: float = 0.0,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.transient = transient
        self.retry_after = retry_after


class DeadlineError(ServerError, TimeoutError):
    """A call took longer than its deadline, all tries together."""


class ServerDownError(ServerError):
    """The server failed several times in a row and is left alone for a while."""


def patience(retries: int, seconds: float) -> AsyncRetrying:
    """Calls a function again after transient errors: `await patience(4, 60)(function, ...)`.

    Waits are random up to a bound that doubles, and come on top of what the server asks for. A
    wait that would pass `seconds` since the first try is not begun; the last error is raised.
    """
    return AsyncRetrying(
        retry=retry_if_exception(lambda error: isinstance(error, ServerError) and error.transient),
        wait=wait_combine(
            wait_random_exponential(multiplier=FIRST_WAIT, max=LONGEST_WAIT), _asked_for
        ),
        stop=stop_after_attempt(retries + 1) | stop_before_delay(seconds),
        reraise=True,
    )


def _asked_for(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    return error.retry_after if isinstance(error, ServerError) else 0.0


class Breaker:
    """A circuit breaker: calls to a server that is down fail at once.

    After `FAILURES` calls in a row failed, none goes out for `COOL_DOWN` seconds. Then a single
    one probes: if it succeeds all calls go out again, else the server is left alone once more.
    Being busy (429) is not being down.

    Args:
        server: what the error calls the server.
        clock: seconds, monotonic.
    """

    def __init__(self, server: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.server = server
        self._clock = clock
        self._failures = 0
        self._failed = 0.0
        self._probing = False

    @contextmanager
    def guard(self) -> Iterator[None]:
        """Around one call, its retries included.

        Raises:
            ServerDownError: the server is left alone; the message says for how long.
        """
        probe = self._failures >= FAILURES
        if probe:
            left = self._failed + COOL_DOWN - self._clock()
            if self._probing or left > 0:
                raise ServerDownError(
                    f"{self.server} failed {self._failures} times in a row; the next try is "
                    + ("under way" if self._probing else f"in {left:.0f} s")
                )
            self._probing = True
        try:
            yield
            self._failures = 0
        except ServerError as error:
            if not error.transient:
                self._failures = 0
            elif error.status != 429:
                self._failures += 1
                self._failed = self._clock()
            raise
        finally:
            if probe:
                self._probing = False
