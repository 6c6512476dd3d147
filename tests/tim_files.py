"""TIM pictures, as tests need them."""

from __future__ import annotations

import struct

import numpy as np

from texpipe.imaging.texel_formats import encode


def section(words, width, height, wrong=0):
    return struct.pack("<IHHHH", (12 + 2 * width * height + wrong) % 2**32, 640, 256, width, height) + words


def indexed(indices, palettes, mode, *, width=None, wrong=0):
    """A TIM of H x W indices and N x M colours, in rows of `width` colours."""
    colours = np.asarray(palettes, "<u2")
    width = width or colours.shape[1]
    clut = section(colours.tobytes(), width, colours.size // width, wrong)
    data = indices.astype(np.uint8)
    units = indices.shape[1] // (4 >> mode)
    if mode == 0:
        data = data[:, 0::2] | data[:, 1::2] << 4
    return struct.pack("<II", 0x10, 8 | mode) + clut + section(data.tobytes(), units, len(indices), wrong)


def palette(seed, count):
    return np.random.default_rng(seed).integers(1, 0x8000, count)


def direct(rgba):
    return struct.pack("<II", 0x10, 2) + section(encode(rgba, "psx16").data, rgba.shape[1], len(rgba))
