"""The tool user: answers a question, and calls tools on the way."""

from __future__ import annotations

from .actor import Actor


class ToolUser(Actor):
    """An actor that is told to use its tools; `graphs.use_tools` gives them to it."""

    role = "agent"
    prompt = "Solve the problem. Call tools where they help, then give the answer."
