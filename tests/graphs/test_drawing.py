from __future__ import annotations

import socket
import sys
from itertools import combinations
from pathlib import Path

import pytest

from symposia import Actor, Critic, Judge, ScriptedModel, Team, ToolAgent, act, answer, refine
from symposia.graphs.drawing import _block, _routes, _widths, to_mermaid, to_png

MODEL = ScriptedModel([])
TEAMS = {
    "answer": answer(Actor(MODEL)),
    "refine": refine(Actor(MODEL), Critic(MODEL), Judge(MODEL)),
    "act": act(ToolAgent(MODEL)),
    "act of refine": act(refine(ToolAgent(MODEL), Critic(MODEL), Judge(MODEL))),
}
teams = pytest.mark.parametrize("team", TEAMS.values(), ids=TEAMS)


def test_mermaid_shows_nested_teams() -> None:
    text = to_mermaid(TEAMS["act of refine"])
    assert "subgraph policy" in text
    assert "critique" in text


@teams
def test_a_picture_is_drawn_offline(
    team: Team, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("drawing went to the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    path = to_png(team, tmp_path / "new" / "team.png")
    assert path.read_bytes().startswith(b"\x89PNG")


@teams
def test_nodes_keep_apart_and_edges_end_on_their_borders(team: Team) -> None:
    drawn = team.get_graph(xray=True)
    block = _block(drawn, "", _widths(drawn))
    assert set(block.nodes) == set(drawn.nodes)
    for a, b in combinations(block.nodes.values(), 2):
        beside = a.x + a.right < b.x - b.left or b.x + b.right < a.x - a.left
        assert beside or a.bottom < b.y or b.bottom < a.y
    for edge, route in zip(drawn.edges, _routes(drawn, block), strict=True):
        for name, (x, y) in ((edge.source, route[0]), (edge.target, route[-1])):
            box = block.nodes[name]
            assert box.y <= y <= box.bottom
            assert x in (box.x - box.left, box.x + box.right) or y in (box.y, box.bottom)


def test_a_nested_team_lies_within_its_frame() -> None:
    drawn = TEAMS["act of refine"].get_graph(xray=True)
    block = _block(drawn, "", _widths(drawn))
    frame = block.blocks["policy:"]
    for name, box in block.nodes.items():
        inside = frame.y < box.y and box.bottom < frame.bottom
        assert inside == name.startswith("policy:")


def test_loops_run_at_the_left_and_shortcuts_at_the_right() -> None:
    drawn = TEAMS["refine"].get_graph(xray=True)
    block = _block(drawn, "", _widths(drawn))
    sides = {
        (e.source, e.target): block.lanes[i].side
        for i, e in enumerate(drawn.edges)
        if i in block.lanes
    }
    assert sides == {
        ("judge", "draft"): "left",
        ("draft", "settle"): "right",
        ("critique", "settle"): "right",
    }


def test_only_png_is_drawn(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"\.png"):
        to_png(TEAMS["answer"], tmp_path / "team.svg")


def test_missing_matplotlib_is_named_with_its_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r'pip install "symposia\[view\]"'):
        to_png(TEAMS["answer"], tmp_path / "team.png")
