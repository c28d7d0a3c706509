from .cassette import Cassette, CassetteMissError
from .lexical import LexicalEmbeddings
from .load import fingerprint, load_model
from .prices import Price, PriceTable
from .scripted import ScriptedModel, ScriptExhaustedError

__all__ = [
    "Cassette",
    "CassetteMissError",
    "LexicalEmbeddings",
    "Price",
    "PriceTable",
    "ScriptExhaustedError",
    "ScriptedModel",
    "fingerprint",
    "load_model",
]
