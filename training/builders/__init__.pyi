from .corrupting import Planted, other_action, planted, with_detour, wrong_number
from .keeping import above, capped, distinct, filled
from .prefixes import Prefix, first_error, prefix_values
from .retold import relabelled, retold
from .reviews import Reviewed, critiques_of, found_right
from .role_mix import evenly, role_mix
from .splices import played_rows, spliced_rows
from .trees import tree_pairs, tree_rows, turn_of
from .truth import right
from .two_turn_pairs import refinement_pairs, two_turn_pairs
from .windows import Window, windows
from .written import written

__all__ = [
    "Planted",
    "Prefix",
    "Reviewed",
    "Window",
    "above",
    "capped",
    "critiques_of",
    "distinct",
    "evenly",
    "filled",
    "first_error",
    "found_right",
    "other_action",
    "planted",
    "played_rows",
    "prefix_values",
    "refinement_pairs",
    "relabelled",
    "retold",
    "right",
    "role_mix",
    "spliced_rows",
    "tree_pairs",
    "tree_rows",
    "turn_of",
    "two_turn_pairs",
    "windows",
    "with_detour",
    "written",
    "wrong_number",
]
