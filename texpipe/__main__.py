"""The `texpipe` command, and `python -m texpipe`: Ctrl-C has its one line while the rest is still imported."""

from __future__ import annotations

import os

from texpipe.system.blas_threads import limit_blas_threads
from texpipe.system.interrupts import end_at_interrupt


def main() -> None:
    """Run the command line and exit with one of the documented codes."""
    end_at_interrupt()
    # NumPy reads it when it is imported, which the command line has not done yet.
    limit_blas_threads(os.environ)
    from texpipe.cli import main as run

    run()


if __name__ == "__main__":
    main()
