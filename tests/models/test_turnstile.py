"""Taking turns among what waits in one event loop."""

import asyncio

from symposia.models.turnstile import WIDTH, one_turn, taking_turns

ROUNDS = 3


async def began_and_ended(people: int) -> list[tuple[str, int]]:
    """What happened when all come at once, each busy for some rounds of the event loop."""
    log: list[tuple[str, int]] = []

    async def person(number: int) -> None:
        await one_turn()
        log.append(("began", number))
        for _ in range(ROUNDS):
            await asyncio.sleep(0)
        log.append(("ended", number))

    await asyncio.gather(*map(person, range(people)))
    return log


async def test_the_first_are_done_before_the_last_begin() -> None:
    people = WIDTH * (ROUNDS + 3)
    without = await began_and_ended(people)
    with taking_turns():
        within = await began_and_ended(people)
    assert without.index(("ended", 0)) > without.index(("began", people - 1))
    assert within.index(("ended", 0)) < within.index(("began", people - 1))
    assert [number for what, number in within if what == "began"] == list(range(people))
    assert sorted(within) == sorted(without)


async def test_one_who_leaves_the_queue_holds_nobody_up() -> None:
    with taking_turns():
        people = [asyncio.create_task(one_turn()) for _ in range(4 * WIDTH)]
        await asyncio.sleep(0)
        left = people[WIDTH::2]
        for person in left:
            person.cancel()
        await asyncio.wait(people, timeout=5)
    assert [person for person in people if person.cancelled()] == left
    assert all(person.done() for person in people)


async def test_nobody_waits_where_no_turns_are_taken() -> None:
    waiting = one_turn()
    try:
        waiting.send(None)
    except StopIteration:
        return
    raise AssertionError("it waited")
