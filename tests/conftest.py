"""Makes the helpers beside the tests importable, in this process and in worker processes."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
