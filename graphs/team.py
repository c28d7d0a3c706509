"""What a team is: a compiled LangGraph graph over `TeamState`."""

from __future__ import annotations

from typing import Any

from langgraph.graph.state import CompiledStateGraph

from ..agents import TeamContext, TeamState

Team = CompiledStateGraph[TeamState, TeamContext, Any, Any]
