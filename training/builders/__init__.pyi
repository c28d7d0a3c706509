from .splices import played_rows, spliced_rows
from .written import written

__all__ = ["played_rows", "spliced_rows", "written"]
