"""The command line: `symposia`."""

import os


def main() -> None:
    """The console entry point."""
    # Environment workers share the cores with the model: waiting threads should not spin.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    from .app import app

    app()
