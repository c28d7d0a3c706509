from .attempts import Point, best_of_k, pass_at_k, pass_hat_k
from .comparison import Comparison, Difference, compare
from .failures import FAILURES, failure
from .html import write_html
from .intervals import bootstrap, clustered, paired, wilson
from .leaderboard import Entry, Leaderboard
from .markdown import to_markdown
from .report import Report
from .row import Row
from .significance import holm, mcnemar, sign_flip
from .summary import Summary

__all__ = [
    "FAILURES",
    "Comparison",
    "Difference",
    "Entry",
    "Leaderboard",
    "Point",
    "Report",
    "Row",
    "Summary",
    "best_of_k",
    "bootstrap",
    "clustered",
    "compare",
    "failure",
    "holm",
    "mcnemar",
    "paired",
    "pass_at_k",
    "pass_hat_k",
    "sign_flip",
    "to_markdown",
    "wilson",
    "write_html",
]
