"""When work goes to other processes instead of threads of this one."""

from __future__ import annotations

from texpipe.system.offload import can_spawn

MIN_CALLS = 128
"""Smallest number of calls for which processes are started: one takes as long to start as about 50 results take to
finish. Four textures are analysed in the time of one call."""


def pays_off(calls: int, workers: int) -> bool:
    """Return whether processes are done sooner than threads.

    Args:
        calls: how many calls are to be made; one is a result to finish, or four textures to analyse.
        workers: how many of them may run at once.
    """
    return workers > 1 and calls >= MIN_CALLS and can_spawn()
