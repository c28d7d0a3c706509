"""How `tiny` was made: `python -m symposia.models.tiny.make` does it again, from nothing.

Games and word problems are generated, rendered through the real roles, turned into tokens, and
learnt by a small Llama. The library never imports this package.
"""
