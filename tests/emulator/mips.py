"""The few MIPS instructions that the test program is made of, and an assembler for them."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

ZERO, T0, T1, T2, T3 = 0, 8, 9, 10, 11

_BEQ, _BNE, _ANDI, _ORI, _LUI, _LW, _SW = 0x04, 0x05, 0x0C, 0x0D, 0x0F, 0x23, 0x2B
_NOP = 0
_BYTES = 4


@dataclass(frozen=True)
class Label:
    """A place to branch to; it takes no room."""

    name: str


@dataclass(frozen=True)
class Branch:
    """Go to a label if two registers are equal, or if they are not. The delay slot must follow."""

    label: str
    left: int
    right: int
    equal: bool


Code: TypeAlias = "list[int | Label | Branch]"


def _immediate(opcode: int, rs: int, rt: int, value: int) -> int:
    return opcode << 26 | rs << 21 | rt << 16 | value & 0xFFFF


def set_register(register: int, value: int) -> Code:
    """Load 32 bits."""
    return [_immediate(_LUI, ZERO, register, value >> 16), _immediate(_ORI, register, register, value)]


def load_word(register: int, address_in: int) -> Code:
    """Read the word at the address that another register holds; the word is there two instructions later."""
    return [_immediate(_LW, address_in, register, 0), _NOP]


def store(address: int, value: int) -> Code:
    """Write a 32-bit word that is known now to an address that is known now."""
    return [*set_register(T0, address), *set_register(T1, value), _immediate(_SW, T0, T1, 0)]


def mask(register: int, bits: int) -> Code:
    """Keep some of the lower 16 bits."""
    return [_immediate(_ANDI, register, register, bits)]


def set_if_below(target: int, left: int, right: int) -> Code:
    """Set a register to 1 if one is below another, both unsigned, or else to 0."""
    return [left << 21 | right << 16 | target << 11 | 0x2B]


def branch_if_zero(register: int, label: str) -> Code:
    return [Branch(label, register, ZERO, equal=True), _NOP]


def branch_unless_zero(register: int, label: str) -> Code:
    return [Branch(label, register, ZERO, equal=False), _NOP]


def go_to(label: str) -> Code:
    return [Branch(label, ZERO, ZERO, equal=True), _NOP]


def jump(address: int) -> Code:
    """Go to an address anywhere."""
    return [*set_register(T0, address), T0 << 21 | 0x08, _NOP]


def assemble(code: Iterable[int | Label | Branch]) -> bytes:
    """Return big-endian machine code; it may lie at any address, for branches are relative."""
    items = list(code)
    places, here = {}, 0
    for item in items:
        if isinstance(item, Label):
            places[item.name] = here
        else:
            here += 1
    words: list[int] = []
    for item in items:
        if isinstance(item, Branch):
            opcode = _BEQ if item.equal else _BNE
            words.append(_immediate(opcode, item.left, item.right, places[item.label] - len(words) - 1))
        elif isinstance(item, int):
            words.append(item)
    return struct.pack(f">{len(words)}I", *words)
