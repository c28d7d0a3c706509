import subprocess
import sys


def test_losses_import_torch_only_when_one_is_used():
    code = "import sys, symposia.training.losses; print('torch' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "False"
