from .reviews import Reviewed, critiques_of
from .role_mix import evenly, role_mix
from .truth import right
from .two_turn_pairs import refinement_pairs, two_turn_pairs
from .written import written

__all__ = [
    "Reviewed",
    "critiques_of",
    "evenly",
    "refinement_pairs",
    "right",
    "role_mix",
    "two_turn_pairs",
    "written",
]
