"""What a training run tells: on the terminal, in TensorBoard, as a page, as a model card.

All of it is read from the run's folder, so it is the same while the run goes on, after it, and
after it was killed and went on.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
