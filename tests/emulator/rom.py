"""A complete N64 cartridge image: header, own boot code, the program, and whatever it draws.

Nothing of a console or of a development kit is in it. Plug-ins that imitate the graphics chip's program know that
program by the name it carries, so the name is all there is of it.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

from emulator import mips
from emulator.display_list import SCREEN, Command, serialise

FRAME_BUFFERS = (0x200000, 0x240000)

_LOAD_ADDRESS = 0x1000  # in main memory; in the cartridge the same data begin behind header and boot code
_CARTRIDGE_HEAD = 0x1000
_CARTRIDGE_SIZE = 0x100000
_MICROCODE_NAME = b"RSP Gfx ucode F3DEX       fifo 2.08  texpipe: a name, and no program"
_MICROCODE_BOOT_SIZE, _MICROCODE_SIZE, _NAME_SIZE = 0x100, 0x1000, 0x800
# Addresses and sizes of memory that a real chip would work with.
_STACK_AND_OUTPUT = (0x2C0000, 0x400, 0x2D0000, 0x2E0000)
_YIELD = (0x2F0000, 0xC00)
_CACHED = 0x80000000
_CARTRIDGE_BUS = 0x10000000

# Registers of the console, each followed by the bits that are written to it or looked at.
_TASK = 0xA4000FC0
_SP_STATUS = 0xA4040010
_SP_FORGET = 0x2B00  # no signals left from before, an interrupt when done
_SP_START = 0x125
_SP_HALTED_OR_BROKE = 0x3
_SP_PC = 0xA4080000
_MI_MODE = 0xA4300000
_MI_CLEAR_DP = 0x800
_VI = 0xA4400000
_VI_ORIGIN, _VI_LINE = _VI + 0x04, _VI + 0x10
_PI_MEMORY, _PI_CARTRIDGE, _PI_LENGTH, _PI_STATUS = 0xA4600000, 0xA4600004, 0xA460000C, 0xA4600010
_PI_BUSY = 0x3

_BLANKING_LINE = 0x200
# A 16-bit NTSC picture without gamma, filters or interlacing, by offset from _VI.
_VIDEO_MODE = {
    0x00: 0x3202,
    0x04: FRAME_BUFFERS[0],
    0x08: SCREEN[0],
    0x0C: _BLANKING_LINE,
    0x14: 0x03E52239,
    0x18: 0x20D,
    0x1C: 0xC15,
    0x20: 0x0C150C15,
    0x24: 0x006C02EC,
    0x28: 0x002501FF,
    0x2C: 0x000E0204,
    0x30: 0x10000 // 128,
    0x34: 0x10000 // 64,
}


class Memory:
    """What lies in main memory when the program starts."""

    def __init__(self) -> None:
        self.data = bytearray()

    def put(self, data: bytes) -> int:
        """Place data and return their address."""
        self.data += bytes(-len(self.data) % 64)
        address = _LOAD_ADDRESS + len(self.data)
        self.data += data
        return address


def build(game: str, memory: Memory, picture: Callable[[int], list[Command]]) -> bytes:
    """Return a cartridge image that draws one picture over and over.

    Args:
        game: the name in the header, up to 20 letters.
        memory: with all that the picture needs.
        picture: returns the commands that draw it into the frame buffer at an address.
    """
    microcode = memory.put(bytes(_MICROCODE_SIZE))
    name = memory.put(_MICROCODE_NAME.ljust(_NAME_SIZE, b"\0"))
    lists = [serialise(picture(buffer)) for buffer in FRAME_BUFFERS]
    tasks = [_task(microcode, name, memory.put(commands), len(commands)) for commands in lists]
    start = _CACHED + memory.put(mips.assemble(_program(tasks)))
    image = _head(game, start, len(memory.data)) + bytes(memory.data)
    return image.ljust(_CARTRIDGE_SIZE, b"\0")


def _head(game: str, start: int, length: int) -> bytes:
    """Header and boot code, which the console copies to its own memory and runs."""
    header = struct.pack(">IIII", 0x80371240, 0xF, start, 0x1444).ljust(0x20, b"\0")
    header += game.encode("ascii").ljust(20) + bytes(7) + b"NTXE\0"
    boot = mips.assemble(_boot(start, length))
    return (header + boot).ljust(_CARTRIDGE_HEAD, b"\0")


def _boot(start: int, length: int) -> mips.Code:
    """Copy everything behind the head into main memory and jump."""
    return [
        *mips.store(_PI_MEMORY, _LOAD_ADDRESS),
        *mips.store(_PI_CARTRIDGE, _CARTRIDGE_BUS + _CARTRIDGE_HEAD),
        *mips.store(_PI_LENGTH, length - 1),
        *_wait_while(_PI_STATUS, _PI_BUSY, "copying"),
        *mips.jump(start),
    ]


def _task(microcode: int, name: int, commands: int, length: int) -> tuple[int, ...]:
    """The 16 words that tell the signal processor what to run."""
    graphics, flags = 1, 0
    program = (microcode, _MICROCODE_BOOT_SIZE, microcode, _MICROCODE_SIZE, name, _NAME_SIZE)
    return (graphics, flags, *program, *_STACK_AND_OUTPUT, commands, length, *_YIELD)


def _program(tasks: list[tuple[int, ...]]) -> mips.Code:
    code: mips.Code = []
    for offset, value in _VIDEO_MODE.items():
        code += mips.store(_VI + offset, value)
    code.append(mips.Label("again"))
    for number, (task, buffer) in enumerate(zip(tasks, FRAME_BUFFERS, strict=True)):
        code += _draw(task, f"drawing {number}")
        code += _show(buffer, number)
    return code + mips.go_to("again")


def _draw(task: tuple[int, ...], label: str) -> mips.Code:
    code: mips.Code = []
    for index, word in enumerate(task):
        code += mips.store(_TASK + 4 * index, word)
    code += mips.store(_SP_PC, 0) + mips.store(_SP_STATUS, _SP_FORGET) + mips.store(_SP_STATUS, _SP_START)
    return code + _wait_until(_SP_STATUS, _SP_HALTED_OR_BROKE, label)


def _show(buffer: int, number: int) -> mips.Code:
    """Change over while the screen is blank, once per frame."""
    return [
        *_wait_for_line(f"visible {number}", blank=True),
        *mips.store(_VI_ORIGIN, buffer),
        *mips.store(_VI_LINE, 0),
        *mips.store(_MI_MODE, _MI_CLEAR_DP),
        *_wait_for_line(f"blank {number}", blank=False),
    ]


def _wait_until(register: int, bits: int, label: str) -> mips.Code:
    return [*_poll(register, label), *mips.mask(mips.T1, bits), *mips.branch_if_zero(mips.T1, label)]


def _wait_while(register: int, bits: int, label: str) -> mips.Code:
    return [*_poll(register, label), *mips.mask(mips.T1, bits), *mips.branch_unless_zero(mips.T1, label)]


def _wait_for_line(label: str, *, blank: bool) -> mips.Code:
    branch = mips.branch_unless_zero if blank else mips.branch_if_zero
    return [
        *mips.set_register(mips.T2, _BLANKING_LINE),
        *_poll(_VI_LINE, label),
        *mips.set_if_below(mips.T3, mips.T1, mips.T2),
        *branch(mips.T3, label),
    ]


def _poll(register: int, label: str) -> mips.Code:
    return [*mips.set_register(mips.T0, register), mips.Label(label), *mips.load_word(mips.T1, mips.T0)]
