from .load import load_model
from .scripted import ScriptedModel, ScriptExhaustedError

__all__ = ["ScriptExhaustedError", "ScriptedModel", "load_model"]
