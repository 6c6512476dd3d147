"""Degradations that tests of training share."""

from __future__ import annotations

from texpipe.train.data.degradation import Degradation

BICUBIC = Degradation(
    reductions={"bicubic": 1},
    blur_chance=0,
    sharpen_chance=0,
    noise_chance=0,
    formats={"rgba32": 1},
    dithers={"none": 1},
)
"""The super-resolution papers' degradation: a bicubic reduction and nothing else."""
