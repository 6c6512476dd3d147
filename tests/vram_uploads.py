"""Texels and palettes as a PS1 game uploads them."""

from __future__ import annotations

import struct

WORDS = struct.pack("<4H", 0x3210, 0x7654, 0xBA98, 0xFEDC) * 140
PALETTE_A = struct.pack("<16H", 0, *((i * 1537) & 0x7FFF for i in range(1, 16)))
PALETTE_B = struct.pack("<16H", 0, *(((i * 293) & 0x7FFF) | 0x8000 for i in range(1, 16)))
