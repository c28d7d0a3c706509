"""Search: teams that explore a tree of partial answers or actions."""

from ..spec import TeamSpec
from .agent_q import PAPER as AGENT_Q
from .agent_q import agent_q
from .agent_r import PAPER as AGENT_R
from .agent_r import agent_r
from .alpha_llm import PAPER as ALPHA_LLM
from .alpha_llm import alpha_llm
from .rest_mcts import PAPER as REST_MCTS
from .rest_mcts import rest_mcts
from .swe_search import PAPER as SWE_SEARCH
from .swe_search import swe_search

TEAMS = (
    TeamSpec("rest-mcts", "a value of steps guides the search", rest_mcts, paper=REST_MCTS),
    TeamSpec("alpha-llm", "search over options with critics", alpha_llm, paper=ALPHA_LLM),
    TeamSpec("agent-q", "actions are ranked, tried and played out", agent_q, True, AGENT_Q),
    TeamSpec("swe-search", "the best open node grows by one", swe_search, True, SWE_SEARCH),
    TeamSpec("agent-r", "collects a tree of plays to learn from", agent_r, True, AGENT_R),
)

__all__ = ["TEAMS", "agent_q", "agent_r", "alpha_llm", "rest_mcts", "swe_search"]
