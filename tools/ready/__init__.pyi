from .ask_user import ask_user
from .calculator import CalculationError, calculate, calculator
from .corpus import Corpus, corpus_search
from .files import read_file
from .python import python
from .submit import submit

__all__ = [
    "CalculationError",
    "Corpus",
    "ask_user",
    "calculate",
    "calculator",
    "corpus_search",
    "python",
    "read_file",
    "submit",
]
