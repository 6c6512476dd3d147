"""One thread for NumPy's matrix products, which are small and many here: more threads wait for each other, busily.

Looking at 3,000 textures takes twice the processor time and 1.6 times as long on two cores where OpenBLAS, which comes
with NumPy, has two threads. texpipe keeps the cores busy by textures instead.
"""

from __future__ import annotations

from collections.abc import MutableMapping

_VARIABLE = "OPENBLAS_NUM_THREADS"


def limit_blas_threads(environment: MutableMapping[str, str]) -> None:
    """Ask for one thread, unless somebody asked for another number. It counts for processes that load NumPy later.

    Args:
        environment: of a process: `os.environ`, or that of one to be started.
    """
    environment.setdefault(_VARIABLE, "1")
