from .corrupting import Planted, other_action, planted, with_detour, wrong_number
from .keeping import above, capped, distinct, filled
from .prefixes import Prefix, first_error, prefix_values
from .retold import retold
from .splices import played_rows, spliced_rows
from .trees import tree_pairs, tree_rows, turn_of
from .windows import Window, windows
from .written import written

__all__ = [
    "Planted",
    "Prefix",
    "Window",
    "above",
    "capped",
    "distinct",
    "filled",
    "first_error",
    "other_action",
    "planted",
    "played_rows",
    "prefix_values",
    "retold",
    "spliced_rows",
    "tree_pairs",
    "tree_rows",
    "turn_of",
    "windows",
    "with_detour",
    "written",
    "wrong_number",
]
