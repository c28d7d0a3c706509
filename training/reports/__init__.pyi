from .board import Board
from .card import write_cards
from .history import History, Iteration
from .html import write_html
from .table import curve_line, iteration_table

__all__ = [
    "Board",
    "History",
    "Iteration",
    "curve_line",
    "iteration_table",
    "write_cards",
    "write_html",
]
