"""Pictures of teams: Mermaid text by LangGraph, and PNG files drawn offline.

The picture reads from top to bottom. Nodes stand in layers, each below those that lead to it, and a
nested team is a block with a layout of its own. An edge to the next layer goes straight down. One
that skips layers runs in a lane of its own at the right, and one that leads back up, at the left.
Edges that depend on the state are dashed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import networkx as nx
from langchain_core.runnables.graph import Edge, Graph
from langgraph.graph import END, START

from .team import Team

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NODE_HEIGHT = 0.36
"""Inches, as all lengths here."""
LAYER_GAP = 0.42
SIDE_GAP = 0.4
LANE_GAP = 0.24
BLOCK_PAD = 0.2
BLOCK_LABEL = 0.3
"""Room for a block's label, above its nodes."""
CORNER = 0.14
HEAD = 0.09
"""Length of an arrowhead."""
MARGIN = 0.25
FONT = 10.0
"""Points."""
DPI = 200

INK = "#334155"
EDGE = "#64748b"
FILL = {"node": "#e0e7ff", "start": "#ffffff", "end": "#334155"}
BLOCK_FILLS = ("#f8fafc", "#f1f5f9")
"""By depth, in turn."""

Point = tuple[float, float]
Side = Literal["left", "right"]


def to_mermaid(team: Team) -> str:
    """The team's graph as Mermaid text, with nested teams as subgraphs."""
    return team.get_graph(xray=True).draw_mermaid()


def to_png(team: Team, path: str | Path) -> Path:
    """Draw the team's graph, with nested teams as boxes, and return the file's path.

    Raises:
        ImportError: matplotlib is missing.
        ValueError: `path` does not end in `.png`.
    """
    path = Path(path)
    if path.suffix.lower() != ".png":
        raise ValueError(f"cannot draw to {path.name!r}: end it in .png")
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError('drawing needs matplotlib: pip install "symposia[view]"') from error
    drawn = team.get_graph(xray=True)
    block = _block(drawn, "", _widths(drawn))
    width, height = block.left + block.right + 2 * MARGIN, block.height + 2 * MARGIN
    figure = Figure(figsize=(width, height), dpi=DPI)
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_xlim(-block.left - MARGIN, block.right + MARGIN)
    axes.set_ylim(block.height + MARGIN, -MARGIN)
    axes.axis("off")
    _paint(axes, drawn, block)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, facecolor="white")
    return path


@dataclass(slots=True)
class _Box:
    """A placed node or nested block; x and y are its centre line and its top."""

    x: float
    y: float
    left: float
    """How far it reaches to the left of x."""
    right: float
    height: float

    @property
    def bottom(self) -> float:
        return self.y + self.height


@dataclass(slots=True)
class _Lane:
    """The upright part of an edge that cannot go straight down."""

    side: Side
    x: float
    beside_source: bool
    """Nothing stands between the edge's source and the lane."""
    beside_target: bool


@dataclass(slots=True)
class _Block:
    """A layout, with its first layer's top at y = 0 and its centre line at x = 0."""

    left: float = 0.0
    right: float = 0.0
    height: float = 0.0
    nodes: dict[str, _Box] = field(default_factory=dict)
    blocks: dict[str, _Box] = field(default_factory=dict)
    """Nested blocks by prefix, outer before inner."""
    lanes: dict[int, _Lane] = field(default_factory=dict)
    """By the edge's number."""
    tops: set[str] = field(default_factory=set)
    """The nodes that can be entered straight from above."""
    bottoms: set[str] = field(default_factory=set)
    """The nodes that can be left straight downwards."""
    outermost: dict[Side, set[str]] = field(default_factory=lambda: {"left": set(), "right": set()})
    """The nodes with nothing beside them, by side."""

    def adopt(self, inner: _Block, x: float, y: float) -> None:
        """Take over what `inner` holds, moved by x and y."""
        for mine, its in ((self.nodes, inner.nodes), (self.blocks, inner.blocks)):
            for name, box in its.items():
                mine[name] = replace(box, x=box.x + x, y=box.y + y)
        self.lanes |= {edge: replace(lane, x=lane.x + x) for edge, lane in inner.lanes.items()}


def _widths(drawn: Graph) -> dict[str, float]:
    return {id: max(0.8, _text_width(_name(node.name)) + 0.36) for id, node in drawn.nodes.items()}


def _text_width(text: str) -> float:
    from matplotlib.textpath import TextPath

    plain = text.replace("$", r"\$")
    return float(TextPath((0, 0), plain, size=FONT).get_extents().width) / 72


def _name(name: str) -> str:
    return {START: "start", END: "end"}.get(name, name)


def _block(drawn: Graph, prefix: str, widths: dict[str, float]) -> _Block:
    """The layout of the nodes whose ids begin with `prefix`."""
    units: dict[str, _Block] = {}
    for node in drawn.nodes:
        unit = _unit(node, prefix)
        if unit is None or unit in units:
            continue
        units[unit] = (
            _framed(_block(drawn, unit, widths), unit)
            if unit.endswith(":")
            else _leaf(
                unit, widths[unit], loops=any(e.source == e.target == unit for e in drawn.edges)
            )
        )
    ends: list[tuple[int, str, str]] = []
    entries = []
    for number, edge in enumerate(drawn.edges):
        source, target = _unit(edge.source, prefix), _unit(edge.target, prefix)
        if source and target and source != target:
            ends.append((number, source, target))
        elif target and not source:
            entries.append(target)
    last = {unit for unit in units if unit.removeprefix(prefix) == END}
    layers = _layers(list(units), [(s, t) for _, s, t in ends], entries, last)
    return _arrange(drawn, units, layers, ends)


def _unit(node: str, prefix: str) -> str | None:
    """What stands for `node` in the block of `prefix`: itself, or the prefix of a nested block."""
    if not node.startswith(prefix):
        return None
    head, nested, _ = node[len(prefix) :].partition(":")
    return prefix + head + nested


def _leaf(node: str, width: float, *, loops: bool) -> _Block:
    """One node, with room at its left where it leads to itself."""
    box = _Box(0.0, 0.0, width / 2, width / 2, NODE_HEIGHT)
    return _Block(
        left=box.left + LANE_GAP * loops,
        right=box.right,
        height=box.height,
        nodes={node: box},
        tops={node},
        bottoms={node},
        outermost={"left": {node}, "right": {node}},
    )


def _framed(inner: _Block, prefix: str) -> _Block:
    """`inner` with room for a frame and its label."""
    label = _text_width(_label(prefix)) + BLOCK_PAD
    framed = _Block(
        left=max(inner.left + BLOCK_PAD, label),
        right=inner.right + BLOCK_PAD,
        height=inner.height + BLOCK_LABEL + BLOCK_PAD,
        tops=inner.tops,
        bottoms=inner.bottoms,
        outermost=inner.outermost,
    )
    framed.blocks[prefix] = _Box(0.0, 0.0, framed.left, framed.right, framed.height)
    framed.adopt(inner, 0.0, BLOCK_LABEL)
    return framed


def _label(prefix: str) -> str:
    return prefix.rstrip(":").rpartition(":")[2]


def _layers(
    units: Sequence[str], edges: Iterable[tuple[str, str]], entries: Sequence[str], last: set[str]
) -> list[list[str]]:
    """Units by layer: each below all that lead to it, where no loop forbids it."""
    graph = nx.DiGraph()
    graph.add_nodes_from(units)
    graph.add_edges_from(edges)
    while True:
        try:
            loop = nx.find_cycle(graph, [*entries, *units])
        except nx.NetworkXNoCycle:
            break
        graph.remove_edge(*loop[-1][:2])
    layers = [[u for u in layer if u not in last] for layer in nx.topological_generations(graph)]
    place: dict[str, float] = {}

    def above(unit: str) -> float:
        places = [place[p] for p in graph.predecessors(unit)]
        return sum(places) / len(places) if places else 0.0

    ordered = []
    for layer in filter(None, [*layers, sorted(last)]):
        ordered.append(sorted(layer, key=above))
        place |= {u: i - (len(layer) - 1) / 2 for i, u in enumerate(ordered[-1])}
    return ordered


def _arrange(
    drawn: Graph,
    units: dict[str, _Block],
    layers: list[list[str]],
    ends: list[tuple[int, str, str]],
) -> _Block:
    """Place the layers below each other, then the lanes beside them."""
    whole = _Block()
    reach: list[dict[Side, float]] = []
    depth: dict[str, int] = {}
    y = 0.0
    for number, layer in enumerate(layers):
        blocks = [units[unit] for unit in layer]
        span = sum(b.left + b.right for b in blocks) + SIDE_GAP * (len(blocks) - 1)
        x = -blocks[0].left if len(blocks) == 1 else -span / 2
        reach.append({"left": -x, "right": x + span})
        for unit, block in zip(layer, blocks, strict=True):
            depth[unit] = number
            whole.adopt(block, x + block.left, y)
            x += block.left + block.right + SIDE_GAP
        whole.outermost["left"] |= blocks[0].outermost["left"]
        whole.outermost["right"] |= blocks[-1].outermost["right"]
        y += max(b.height for b in blocks) + LAYER_GAP
    whole.height = y - LAYER_GAP
    whole.tops = {node for unit in layers[0] for node in units[unit].tops}
    whole.bottoms = {node for unit in layers[-1] for node in units[unit].bottoms}

    taken: dict[Side, list[tuple[int, int, float]]] = {"left": [], "right": []}
    for number, source, target in sorted(ends, key=lambda e: abs(depth[e[2]] - depth[e[1]])):
        edge, start, end = drawn.edges[number], depth[source], depth[target]
        leaves = edge.source in units[source].bottoms
        if end == start + 1 and leaves and edge.target in units[target].tops:
            continue
        side: Side = "left" if end <= start else "right"
        low, high = min(start, end), max(start, end)
        beside = [layer[side] for layer in reach[low : high + 1]]
        beside += [x for a, b, x in taken[side] if a < high and low < b]
        lane = max(beside) + LANE_GAP
        taken[side].append((low, high, lane))
        whole.lanes[number] = _Lane(
            side,
            lane if side == "right" else -lane,
            edge.source in whole.outermost[side],
            edge.target in whole.outermost[side],
        )
    whole.left = max([r["left"] for r in reach] + [x for _, _, x in taken["left"]])
    whole.right = max([r["right"] for r in reach] + [x for _, _, x in taken["right"]])
    return whole


def _paint(axes: Axes, drawn: Graph, block: _Block) -> None:
    from matplotlib.patches import FancyBboxPatch

    def rounded(box: _Box, radius: float, fill: str, ink: str, order: int) -> None:
        shape = f"round,pad=0,rounding_size={radius}"
        corner = (box.x - box.left, box.y)
        width = box.left + box.right
        axes.add_patch(
            FancyBboxPatch(corner, width, box.height, shape, fc=fill, ec=ink, lw=1.0, zorder=order)
        )

    for prefix, box in block.blocks.items():
        fill = BLOCK_FILLS[(prefix.count(":") - 1) % len(BLOCK_FILLS)]
        rounded(box, 0.12, fill, "#cbd5e1", 1)
        x, y = box.x - box.left + 0.1, box.y + 0.16
        axes.text(
            x, y, _label(prefix), size=FONT - 1, color=EDGE, va="center", style="italic", zorder=4,
            parse_math=False,
        )  # fmt: skip
    for points, edge in zip(_routes(drawn, block), drawn.edges, strict=True):
        _arrow(axes, points, dashed=edge.conditional)
    for id, node in drawn.nodes.items():
        box, name = block.nodes[id], _name(node.name)
        kind = name if node.name in (START, END) else "node"
        radius = NODE_HEIGHT / 2 if kind != "node" else 0.08
        rounded(box, radius - 0.001, FILL[kind], INK, 3)
        ink = "white" if kind == "end" else INK
        middle = box.y + box.height / 2
        axes.text(
            box.x, middle, name, size=FONT, color=ink, ha="center", va="center_baseline", zorder=4,
            parse_math=False,
        )  # fmt: skip


def _routes(drawn: Graph, block: _Block) -> list[list[Point]]:
    """The corners of every edge's way, from border to border."""
    ports = _ports(drawn.edges, block)
    routes: list[list[Point]] = []
    for number, edge in enumerate(drawn.edges):
        source, target = block.nodes[edge.source], block.nodes[edge.target]
        if edge.source == edge.target:
            routes.append(_loop(source, ports[number, True]))
        elif number not in block.lanes:
            routes.append([(source.x, source.bottom), (target.x, target.y)])
        else:
            lane = block.lanes[number]
            down = lane.side == "right"
            out = _to_lane(source, lane, ports.get((number, True)), below=down)
            back = _to_lane(target, lane, ports.get((number, False)), below=not down)
            routes.append([*out, *reversed(back)])
    return routes


def _loop(node: _Box, port: Point) -> list[Point]:
    """The way around the upper left corner of a node that leads to itself."""
    x, y = port
    above, entry = node.y - LANE_GAP * 0.8, x + node.left * 0.4
    return [(x, y), (x - LANE_GAP, y), (x - LANE_GAP, above), (entry, above), (entry, node.y)]


def _to_lane(node: _Box, lane: _Lane, port: Point | None, *, below: bool) -> list[Point]:
    """The way from a node to a lane: out of the side, or around the nodes beside it."""
    if port is not None:
        return [port, (lane.x, port[1])]
    border, gap = (node.bottom, LAYER_GAP / 2) if below else (node.y, -LAYER_GAP / 2)
    x = node.x + 0.4 * (node.right if lane.side == "right" else -node.left)
    return [(x, border), (x, border + gap), (lane.x, border + gap)]


def _ports(edges: Sequence[Edge], block: _Block) -> dict[tuple[int, bool], Point]:
    """Where edges meet the sides of nodes, by edge and whether it leaves there.

    On a side, ends are in the order in which they do not cross: loops, then lanes that come from or
    go above, the nearest first, then those below, the nearest last.
    """
    meeting: defaultdict[tuple[str, Side], list[tuple[float, int, bool]]] = defaultdict(list)
    for number, edge in enumerate(edges):
        if edge.source == edge.target:
            meeting[edge.source, "left"].append((float("-inf"), number, True))
        if number not in block.lanes:
            continue
        lane = block.lanes[number]
        for node, beside, leaving in (
            (edge.source, lane.beside_source, True),
            (edge.target, lane.beside_target, False),
        ):
            if beside:
                nearness = 1 / abs(lane.x - block.nodes[node].x)
                above = leaving == (lane.side == "left")
                end = (-nearness if above else nearness, number, leaving)
                meeting[node, lane.side].append(end)
    ports = {}
    for (node, side), ends in meeting.items():
        box = block.nodes[node]
        x = box.x - box.left if side == "left" else box.x + box.right
        for i, (_, number, leaving) in enumerate(sorted(ends), start=1):
            ports[number, leaving] = (x, box.y + box.height * i / (len(ends) + 1))
    return ports


def _arrow(axes: Axes, points: Sequence[Point], *, dashed: bool) -> None:
    """A line with rounded corners, or a soft curve down to the side, that ends in an arrowhead."""
    from matplotlib.patches import PathPatch, Polygon
    from matplotlib.path import Path as Curve

    (x0, y0), (x1, y1) = points[-2:]
    if len(points) == 2:
        x0 = x1
    length = abs(x1 - x0) + abs(y1 - y0)
    dx, dy = (x1 - x0) / length, (y1 - y0) / length
    neck = (x1 - dx * HEAD, y1 - dy * HEAD)
    curve = [(points[0], Curve.MOVETO)]
    if len(points) == 2:
        middle = (points[0][1] + neck[1]) / 2
        corners = [(points[0][0], middle), (x1, middle), neck]
        curve += [(corner, Curve.CURVE4) for corner in corners]
    else:
        for before, corner, after in zip(points, points[1:], [*points[2:-1], neck]):
            curve += [
                (_towards(corner, before), Curve.LINETO),
                (corner, Curve.CURVE3),
                (_towards(corner, after), Curve.CURVE3),
            ]
        curve.append((neck, Curve.LINETO))
    line = Curve([point for point, _ in curve], [code for _, code in curve])
    style = (0, (3.5, 2.2)) if dashed else "solid"
    axes.add_patch(PathPatch(line, fill=False, ec=EDGE, lw=1.1, ls=style, zorder=2))
    wings = [(neck[0] + s * dy * HEAD / 2.2, neck[1] + s * dx * HEAD / 2.2) for s in (1, -1)]
    axes.add_patch(Polygon([(x1, y1), *wings], closed=True, fc=EDGE, ec="none", zorder=2))


def _towards(corner: Point, other: Point) -> Point:
    """Where the rounding of a corner begins on the way to `other`."""
    dx, dy = other[0] - corner[0], other[1] - corner[1]
    length = abs(dx) + abs(dy)
    part = min(CORNER, length / 2) / length if length else 0.0
    return corner[0] + dx * part, corner[1] + dy * part
