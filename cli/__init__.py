"""The command line: `symposia`."""


def main() -> None:
    """The console entry point."""
    from .app import app

    app()
