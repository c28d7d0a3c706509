from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from symposia.models.served import resilience
from symposia.models.served.resilience import Breaker, ServerDownError, ServerError, patience


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resilience, "FIRST_WAIT", 0.001)


class Flaky:
    """Raises the errors in turn, then answers."""

    def __init__(self, *errors: Exception) -> None:
        self.errors: Iterator[Exception] = iter(errors)
        self.asked = 0

    async def __call__(self) -> str:
        self.asked += 1
        for error in self.errors:
            raise error
        return "fine"


def transient(**fields: float) -> ServerError:
    return ServerError("busy", transient=True, **fields)


async def test_transient_errors_are_tried_again_until_the_tries_are_spent() -> None:
    flaky = Flaky(transient(), transient())
    assert await patience(2, 5)(flaky) == "fine"
    assert flaky.asked == 3
    flaky = Flaky(transient(), transient(), ServerError("last", transient=True))
    with pytest.raises(ServerError, match="last"):
        await patience(2, 5)(flaky)
    assert flaky.asked == 3


@pytest.mark.parametrize("error", [ServerError("no"), ValueError("no")])
async def test_other_errors_are_raised_at_once(error: Exception) -> None:
    flaky = Flaky(error)
    with pytest.raises(type(error), match="no"):
        await patience(5, 5)(flaky)
    assert flaky.asked == 1


async def test_the_wait_is_at_least_what_the_server_asks_for() -> None:
    began = time.perf_counter()
    await patience(1, 5)(Flaky(transient(retry_after=0.1)))
    assert 0.1 <= time.perf_counter() - began < 0.3


async def test_a_wait_that_would_pass_the_deadline_is_not_begun() -> None:
    flaky = Flaky(transient(retry_after=60))
    began = time.perf_counter()
    with pytest.raises(ServerError, match="busy"):
        await patience(9, 5)(flaky)
    assert flaky.asked == 1
    assert time.perf_counter() - began < 0.2


async def test_waits_grow_and_are_jittered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resilience, "FIRST_WAIT", 1.0)
    waits: list[float] = []

    async def note(seconds: float) -> None:
        waits.append(seconds)

    for _ in range(40):
        retrying = patience(3, 1000)
        retrying.sleep = note
        await retrying(Flaky(transient(), transient(), transient()))
    for number, bound in enumerate((1.0, 2.0, 4.0)):
        drawn = waits[number::3]
        assert bound / 2 < max(drawn) <= bound
        assert min(drawn) < bound / 2


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker("http://here/v1", clock)


def fail(breaker: Breaker, error: BaseException) -> None:
    with pytest.raises(type(error)), breaker.guard():
        raise error


def open_up(breaker: Breaker) -> None:
    for _ in range(resilience.FAILURES):
        fail(breaker, transient())


def test_after_failures_in_a_row_calls_fail_at_once(breaker: Breaker) -> None:
    for _ in range(resilience.FAILURES - 1):
        fail(breaker, transient())
    with breaker.guard():
        pass
    open_up(breaker)
    with pytest.raises(ServerDownError, match=r"http://here/v1 failed 5 times .* in 10 s"):
        breaker.guard().__enter__()


def test_after_the_cool_down_one_call_probes_and_success_lets_all_through(
    breaker: Breaker, clock: Clock
) -> None:
    open_up(breaker)
    clock.now += resilience.COOL_DOWN
    with breaker.guard(), pytest.raises(ServerDownError, match="under way"):
        breaker.guard().__enter__()
    with breaker.guard(), breaker.guard():
        pass


def test_a_failed_probe_starts_the_cool_down_anew(breaker: Breaker, clock: Clock) -> None:
    open_up(breaker)
    clock.now += resilience.COOL_DOWN
    fail(breaker, transient())
    clock.now += resilience.COOL_DOWN - 1
    with pytest.raises(ServerDownError, match="in 1 s"):
        breaker.guard().__enter__()


def test_a_cancelled_probe_leaves_the_next_call_to_probe(breaker: Breaker, clock: Clock) -> None:
    open_up(breaker)
    clock.now += resilience.COOL_DOWN
    fail(breaker, KeyboardInterrupt())
    with breaker.guard():
        pass


@pytest.mark.parametrize("error", [transient(status=429), ServerError("no", status=400)])
def test_a_busy_server_and_a_refusing_one_are_not_down(
    breaker: Breaker, error: ServerError
) -> None:
    for _ in range(3 * resilience.FAILURES):
        fail(breaker, error)
    with breaker.guard():
        pass
