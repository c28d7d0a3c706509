"""WebShop: buy what an instruction asks for, on the pages and by the reward of the benchmark.

Yao et al., "WebShop: Towards Scalable Real-World Web Interaction with Grounded Language Agents"
(NeurIPS 2022).

An episode ends with a purchase, whose reward lies in [0, 1]; 1 is success.
"""

from __future__ import annotations

import copy
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Literal, Self, get_args

from ...episodes import Observation, Task
from ..environment import Environment, TaskError
from ..settings import require_whole
from .catalogue import Catalogue
from .nouns import MODEL, guess_nouns, has_model, require_model, tagged_nouns
from .pages import Format
from .session import Session, State
from .shop import Shop, open_shop

OFFICIAL_SPLITS = {"test": (0, 500), "eval": (500, 1500), "train": (1500, None)}
"""First and last place of each split in the official order of goals, the last excluded."""

Rewards = Literal["official", "approximate"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A moment of one task, to return to."""

    task_id: str
    state: State
    observation: Observation
    steps: int


class WebShop(Environment):
    """A web shop in text: search, open products, choose options, buy.

    Args:
        data: the folder with the official files, or its file of products. None: a generated shop.
        goals: a manifest that `symposia webshop goals` wrote. None: all goals of the catalogue,
            drawn with `seed`.
        observation: `text`, a page in one line; or `text_rich`, with buttons marked.
        products: read only so many products; or how many to generate.
        human_goals: draw the crowd workers' goals instead of the synthetic ones.
        seed: of the generated shop, and of the prices and limits that are drawn.
        strict_official: keep the quirks of the official environment; `docs/webshop.md` lists them.
        show_attributes: put a button `Attributes` on product pages, as officially `show_attrs`.
        rewards: `official` finds nouns with spaCy's model, `approximate` by their shape. None:
            official where the model is installed.
        max_steps: actions until a task ends without a purchase; officially there is no limit.

    Raises:
        ValueError: an unknown observation or kind of rewards, or a number out of range.
        ImportError: official rewards are asked for and cannot be had.

    Example:
        >>> environment = WebShop()
        >>> observation = environment.reset(environment.tasks("all")[0])
        >>> observation = environment.step("search[red shoes]")
    """

    name: ClassVar[str] = "webshop"
    splits: ClassVar[tuple[str, ...]] = ("all", *OFFICIAL_SPLITS)
    instructions: str = (
        "Buy a product that follows the instruction on the page, one action at a time: "
        "search[keywords], where the page has a search; click[value], where value is a button, a "
        "product's number or an option on the page, for example click[Next >]. "
        "Choose the options asked for, then click[Buy Now]."
    )

    def __init__(
        self,
        *,
        data: str | Path | None = None,
        goals: str | Path | None = None,
        observation: Format = "text",
        products: int | None = None,
        human_goals: bool = False,
        seed: int = 0,
        strict_official: bool = True,
        show_attributes: bool = False,
        rewards: Rewards | None = None,
        max_steps: int = 50,
    ) -> None:
        if observation not in get_args(Format):
            raise ValueError(f"observation={observation!r}: it is one of {get_args(Format)}")
        if rewards not in (None, *get_args(Rewards)):
            raise ValueError(f"rewards={rewards!r}: it is one of {get_args(Rewards)}")
        if products is not None:
            require_whole("products", products, least=1)
        require_whole("seed", seed)
        require_whole("max_steps", max_steps, least=1)
        self.max_steps = max_steps
        self._data = data
        self._goals = goals
        self._form = observation
        self._products = products
        self._human = human_goals
        self._seed = seed
        self._strict = strict_official
        self._show_attributes = show_attributes
        self._rewards = rewards or _best_rewards()
        if self._rewards == "official":
            require_model()
        self._shop: Shop | None = None
        self._session: Session | None = None
        self._task: Task | None = None

    @property
    def options(self) -> dict[str, Any]:
        return {
            "data": None if self._data is None else str(self._data),
            "goals": None if self._goals is None else str(self._goals),
            "observation": self._form,
            "products": self._products,
            "human_goals": self._human,
            "seed": self._seed,
            "strict_official": self._strict,
            "show_attributes": self._show_attributes,
            "rewards": self._rewards,
            "max_steps": self.max_steps,
        }

    @property
    def faults(self) -> dict[str, int]:
        """What was left out of the data and why, with how many."""
        return self._opened().faults

    @property
    def catalogue(self) -> Catalogue:
        """The products and their search."""
        return self._opened().catalogue

    def __getstate__(self) -> dict[str, Any]:
        """What a pickled copy takes over: the settings, and neither the shop nor a session."""
        return self.__dict__ | {"_shop": None, "_session": None, "_task": None}

    def fork(self) -> Self:
        shop, own = self._opened(), copy.copy(self)
        own._shop = shop
        return own

    def tasks(self, split: str = "all") -> Sequence[Task]:
        """One task a goal, in the order of the manifest; or an official part of them by place.

        Raises:
            ValueError: the split is unknown or empty, or the data cannot be read.
            OSError: the data cannot be read.
        """
        self.require_split(split)
        goals = list(self._opened().goals.items())
        start, end = OFFICIAL_SPLITS.get(split, (0, None))
        if start >= len(goals):
            raise ValueError(f"the split {split!r} starts at goal {start}; there are {len(goals)}")
        return [
            Task(
                id=f"webshop:{identity}",
                prompt=goal["instruction_text"],
                kind=goal["category"],
                data={"goal": identity},
                reference=goal,
            )
            for identity, goal in goals[start:end]
        ]

    def reset(self, task: Task) -> Observation:
        shop, self._task = self._opened(), None
        identity = task.data.get("goal")
        goal = shop.goals.get(identity) if isinstance(identity, str) else None
        if goal is None:
            raise TaskError(f"{task.id}: there is no goal {identity!r}")
        if task.prompt != goal["instruction_text"]:
            raise TaskError(f"{task.id}: goal {identity} is another one here: the manifests differ")
        nouns = tagged_nouns if self._rewards == "official" else guess_nouns
        self._session = Session(
            shop.catalogue, goal, identity or "", nouns, self._strict, self._show_attributes
        )
        self._task, self._state, self._steps = task, State(), 0
        return self._observe(valid=True, reward=0.0, bought=False)

    def step(self, action: str) -> Observation:
        (session, _), last = self._playing(), self._last
        if self._steps >= self.max_steps or (last.done and not self._strict):
            return replace(last, reward=0.0)
        after = session.after(self._state, self._page, action)
        self._steps += 1
        self._state = after or self._state
        bought = after is not None and after.place == "done"
        value = after.reward.value if after and after.reward else 0.0
        return self._observe(valid=after is not None, reward=value, bought=bought)

    def snapshot(self) -> Snapshot:
        _, task = self._playing()
        return Snapshot(task.id, self._state, self._last, self._steps)

    def restore(self, snapshot: Snapshot) -> Observation:
        """Return to a snapshot of the task that is set up now.

        Raises:
            ValueError: the snapshot is of another task.
        """
        session, task = self._playing()
        if snapshot.task_id != task.id:
            raise ValueError(f"a snapshot of {snapshot.task_id} cannot continue {task.id}")
        self._state, self._last, self._steps = snapshot.state, snapshot.observation, snapshot.steps
        self._page = session.page(self._state)
        return self._last

    def close(self) -> None:
        self._session = self._task = None

    def _playing(self) -> tuple[Session, Task]:
        if self._session is None or self._task is None:
            raise RuntimeError("no task is set up: call reset first")
        return self._session, self._task

    def _observe(self, *, valid: bool, reward: float, bought: bool) -> Observation:
        session, _ = self._playing()
        page = self._page = session.page(self._state)
        info: dict[str, Any] = {"won": reward == 1, "steps": self._steps, "valid": valid}
        done = bought or self._steps >= self.max_steps
        if done:
            info["stop"] = "step limit" if not bought else "solved" if reward == 1 else "bought"
        if bought and self._state.reward:
            info |= {"reward": self._state.reward.parts(), "rewards": self._rewards}
        self._last = Observation(
            session.text(self._state, page, self._form),
            session.actions(self._state, page),
            reward,
            done,
            info,
        )
        return self._last

    def _opened(self) -> Shop:
        if self._shop is None:
            self._shop = open_shop(
                None if self._data is None else Path(self._data),
                None if self._goals is None else Path(self._goals),
                products=self._products,
                human=self._human,
                seed=self._seed,
            )
        return self._shop


def _best_rewards() -> Rewards:
    if has_model():
        return "official"
    _log.warning("rewards are approximate: without spaCy's %s, nouns are guessed", MODEL)
    return "approximate"
