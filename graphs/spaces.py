"""What a search moves in: a world that is returned to, or a text that grows step by step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage

from ..agents import OutputFormat, Proposal, TeamContext, TeamState, Thought, output_format
from ..episodes import Observation, World, snapshots
from .tree import Node, Tree

STEPS = "Your solution so far:\n{steps}\n\nWrite the next step."
PLACE = "search"
"""Where the context's notes keep what the search knows of its world."""


class ReplayError(RuntimeError):
    """A world did not repeat itself: the same actions led to another observation."""


class Space(Protocol):
    """Where a search takes place."""

    async def root(self, state: TeamState, context: TeamContext | None) -> Observation:
        """What is seen at the start."""

    def messages(self, state: TeamState, tree: Tree, node: Node) -> Sequence[BaseMessage]:
        """The conversation of a member that is asked at `node`."""

    async def step(
        self, tree: Tree, node: Node, action: Proposal, context: TeamContext | None
    ) -> Observation:
        """What is seen after `action` at `node`."""

    async def settle(self, tree: Tree, node: Node, context: TeamContext | None) -> None:
        """Leave the world, where there is one, at `node`."""


@dataclass(frozen=True, slots=True)
class TextSpace:
    """A solution that is written step by step; nothing answers.

    It ends with a `Thought` that gives the answer, or with any other proposal.
    """

    prompt: str = STEPS

    async def root(self, state: TeamState, context: TeamContext | None) -> Observation:
        return Observation("")

    def messages(self, state: TeamState, tree: Tree, node: Node) -> Sequence[BaseMessage]:
        messages = list(state.get("messages") or ())
        steps = "\n".join(each.text for each in tree.path(node.id)[1:])
        return [*messages, HumanMessage(self.prompt.format(steps=steps))] if steps else messages

    async def step(
        self, tree: Tree, node: Node, action: Proposal, context: TeamContext | None
    ) -> Observation:
        if isinstance(action, Thought):
            return Observation(action.step, done=bool(action.answer))
        return Observation(action.value, done=True)

    async def settle(self, tree: Tree, node: Node, context: TeamContext | None) -> None:
        return None


@dataclass(frozen=True, slots=True)
class WorldSpace:
    """The world of the team's context. Positions are returned to by snapshot, where the world takes
    them, else by a reset and the same actions again; both stand in the record as they happened.

    Returning takes steps that a budget counts, and raises `ReplayError` where the world does not
    repeat itself.
    """

    format: OutputFormat = field(default_factory=lambda: output_format("tags"))
    """How actions stand in the conversation."""

    async def root(self, state: TeamState, context: TeamContext | None) -> Observation:
        world = _world(context)
        assert context is not None
        context.notes[PLACE] = place = _Place(world)
        seen = await place.start()
        text = f"{world.instructions}\n\n{seen.text}".strip()
        return replace(seen, text=text)

    def messages(self, state: TeamState, tree: Tree, node: Node) -> Sequence[BaseMessage]:
        start, *path = tree.path(node.id)
        said: list[BaseMessage] = [HumanMessage(start.text)]
        for each in path:
            assert each.action is not None
            said += [AIMessage(self.format.render(each.action)), HumanMessage(each.text)]
        return said

    async def step(
        self, tree: Tree, node: Node, action: Proposal, context: TeamContext | None
    ) -> Observation:
        place = self._place(context)
        await place.go(tree.path(node.id))
        await place.keep()
        return await place.step(action)

    async def settle(self, tree: Tree, node: Node, context: TeamContext | None) -> None:
        await self._place(context).go(tree.path(node.id))

    def _place(self, context: TeamContext | None) -> _Place:
        """Where the world stands; unknown after the search was resumed in another process."""
        world = _world(context)
        assert context is not None
        place: _Place = context.notes.setdefault(PLACE, _Place(world))
        return place


Path = tuple[str, ...]
"""The actions that lead to a position."""


@dataclass(slots=True)
class _Place:
    """Where a search's world stands, and the positions that it can be returned to at once."""

    world: World
    at: Path | None = None
    """None when it is not known."""
    kept: dict[Path, Any] = field(default_factory=dict)
    """Snapshots."""
    copies: bool = True
    """Whether the world takes snapshots, as far as is known."""

    async def start(self) -> Observation:
        self.at = None
        seen = await self.world.reset()
        self.at = ()
        return seen

    async def step(self, action: Proposal) -> Observation:
        assert self.at is not None
        path, self.at = (*self.at, action.value), None
        seen = await self.world.step(action.value)
        self.at = path
        return seen

    async def keep(self) -> None:
        """Take a snapshot, where that can be done, unless there is one."""
        if self.at is not None and self.at not in self.kept and self.copies:
            try:
                self.kept[self.at] = await snapshots(self.world).snapshot()
            except NotImplementedError:
                self.copies = False

    async def go(self, nodes: Sequence[Node]) -> None:
        """Return to the last of `nodes`, a path from the root on.

        Raises:
            ReplayError: the world did not repeat itself.
        """
        steps = [each for each in nodes if each.action is not None]
        path = tuple(each.action.value for each in steps if each.action)
        if self.at == path:
            return
        known = next((n for n in range(len(path), -1, -1) if path[:n] in self.kept), None)
        if known is None:
            known = 0
            await self.start()
        else:
            self.at = None
            await snapshots(self.world).restore(self.kept[path[:known]])
            self.at = path[:known]
        for each in steps[known:]:
            assert each.action is not None
            seen = await self.step(each.action)
            if seen.text != each.text:
                raise ReplayError(
                    f"{each.action.value!r} led to {seen.text!r}, and before to {each.text!r}: "
                    "a search needs a world that repeats itself, or takes snapshots"
                )


def _world(context: TeamContext | None) -> World:
    if context is None or context.world is None:
        raise ValueError(
            "this search moves in a world and was given none: run it with `evaluate`, pass "
            "`context=TeamContext(world=...)`, or search in a TextSpace"
        )
    return context.world
