"""Roles: a chat model, instructions and a typed output make an agent, which is a LangGraph node."""

from ..models.formats import (
    FORMATS,
    JsonFormat,
    Output,
    OutputFormat,
    TagFormat,
    output_format,
)
from .actor import Actor
from .agent import Agent
from .critic import Critic
from .judge import Judge
from .outputs import Action, Answer, Critique, Issue, Proposal, Verdict
from .person import Person
from .ranker import Ranker
from .state import Candidate, TeamContext, TeamState
from .tool_agent import ToolAgent
from .tool_user import ToolUser

__all__ = [
    "FORMATS",
    "Action",
    "Actor",
    "Agent",
    "Answer",
    "Candidate",
    "Critic",
    "Critique",
    "Issue",
    "JsonFormat",
    "Judge",
    "Output",
    "OutputFormat",
    "Person",
    "Proposal",
    "Ranker",
    "TagFormat",
    "TeamContext",
    "TeamState",
    "ToolAgent",
    "ToolUser",
    "Verdict",
    "output_format",
]
