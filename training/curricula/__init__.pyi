from .stage_switch import StageSwitch

__all__ = ["StageSwitch"]
