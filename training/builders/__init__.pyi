from .written import written

__all__ = ["written"]
