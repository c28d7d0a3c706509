"""Makes the helpers beside the tests importable, in this process and in worker processes."""

import sys
from pathlib import Path

from hypothesis import settings

sys.path.insert(0, str(Path(__file__).parent))
settings.register_profile("symposia", deadline=None)  # timings never fail a test
settings.load_profile("symposia")
