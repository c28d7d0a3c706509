"""What the agent is told before a game: the commands alone, or worked examples as well.

Three styles. `plain` states the commands. `act` adds two games of the same type, played to the end;
`react` has thoughts between the actions (ReAct, Yao et al., ICLR 2023). Examples come from ReAct's
own file `alfworld_3prompts.json` where the user has it, else from generated games that the search
expert has played. With examples, observations are trimmed as ReAct trims them. With `react`, an
action that begins with `think:` is answered `OK.` and costs a step, as it does there.
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import Literal

from pydantic import TypeAdapter, ValidationError

from .engine import Engine
from .expert import SearchExpert
from .scenes import TASK_TYPES, TRAINING_SEEDS, generate_game

Style = Literal["plain", "act", "react"]

THINKS = "think:"
"""How a thought begins among the commands of `react`."""
THOUGHT = "OK."
"""The answer to a thought."""

_REACT_NAMES = dict(zip(TASK_TYPES, ("put", "examine", "clean", "heat", "cool", "puttwo")))
"""What ReAct's file calls each task type."""
_REACT_ORDER = (1, 0)
"""The two of its three examples that ReAct shows, in its order."""
_ARRIVAL = re.compile(r"You arrive at \w+ \d+\. ")
_FILE = TypeAdapter(dict[str, str])


def trim(text: str) -> str:
    """An observation as the examples have it: no welcome, and no word of the way."""
    if text.startswith("-= "):
        return "\n".join(text.split("\n\n")[1:])
    return _ARRIVAL.sub("", text, count=1)


def read_prompts(file: str | Path) -> dict[str, str]:
    """The examples of a file in the format of `alfworld_3prompts.json`, by name.

    Raises:
        ValueError: it cannot be read, or it lacks examples; the message names what.
    """
    try:
        prompts = _FILE.validate_json(Path(file).expanduser().read_bytes())
    except (OSError, ValidationError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(f"prompts={str(file)!r} cannot be read: {reason}") from error
    wanted = [
        _name(kind, style, n) for kind in TASK_TYPES for style in ("act", "react") for n in (0, 1)
    ]
    missing = [name for name in wanted if name not in prompts]
    if missing:
        raise ValueError(f"prompts={str(file)!r} lacks {', '.join(missing[:4])} and maybe more")
    return prompts


def official_examples(prompts: dict[str, str], kind: str, style: str) -> str:
    """The two examples that ReAct shows for a task type."""
    return "\n".join(prompts[_name(kind, style, n)].strip() for n in _REACT_ORDER)


@lru_cache(maxsize=2 * len(TASK_TYPES))
def made_examples(kind: str, style: str) -> str:
    """Two small generated games of a task type, as the search expert plays them.

    The games' seeds are training seeds, so that no evaluation is about them.
    """
    first = TRAINING_SEEDS + (TASK_TYPES.index(kind) - TRAINING_SEEDS) % len(TASK_TYPES)
    engine = Engine()
    try:
        seeds = (first, first + len(TASK_TYPES))
        return "\n".join(_played(engine, seed, thinks=style == "react") for seed in seeds)
    finally:
        engine.close()


def _played(engine: Engine, seed: int, *, thinks: bool) -> str:
    engine.load(generate_game(seed, size="small"))
    view = engine.reset()
    expert, aim = SearchExpert(view.text), ""
    lines = [trim(view.text)]
    while not view.won:
        if thinks and expert.aim != aim:
            aim = expert.aim
            lines += [f"> {THINKS} Next I have to {aim}.", THOUGHT]
        command = expert.next_action()
        view = engine.step(command)
        expert.observe(command, view.text)
        lines += [f"> {command}", trim(view.text)]
    return "\n".join(lines)


def _name(kind: str, style: str, number: int) -> str:
    return f"{style}_{_REACT_NAMES[kind]}_{number}"
