from .load import fingerprint, load_model
from .scripted import ScriptedModel, ScriptExhaustedError

__all__ = ["ScriptExhaustedError", "ScriptedModel", "fingerprint", "load_model"]
