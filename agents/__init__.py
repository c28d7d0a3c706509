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
from .oracle import Oracle
from .outputs import Action, Answer, Critique, Issue, Move, Proposal, Thought, Verdict
from .person import Person
from .ranker import Ranker
from .reviser import Reviser
from .state import Candidate, TeamContext, TeamState
from .tool_agent import ToolAgent
from .tool_user import ToolUser
from .user import User

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
    "Move",
    "Oracle",
    "Output",
    "OutputFormat",
    "Person",
    "Proposal",
    "Ranker",
    "Reviser",
    "TagFormat",
    "TeamContext",
    "TeamState",
    "Thought",
    "ToolAgent",
    "ToolUser",
    "User",
    "Verdict",
    "output_format",
]
