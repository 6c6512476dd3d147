"""Damages and attacks on sound files, by a seeded generator: blind ones, and those that know a little of the format."""

from __future__ import annotations

import gzip
import io
import json
import random
import re
import struct
import warnings
import zipfile
import zlib
from collections.abc import Callable
from functools import cache
from typing import Any, TypeAlias

Mutation: TypeAlias = Callable[[bytes, random.Random], bytes]

_EXTREMES = (0, 1, 0x7F, 0x80, 0xFE, 0xFF)
_NUMBERS = (
    0,
    1,
    0x7F,
    0xFF,
    0x7FFF,
    0xFFFF,
    0x10000,
    0x7FFFFFFF,
    0x80000000,
    0xFFFFFFFF,
    (1 << 63) - 1,
    (1 << 64) - 1,
)
_WORDS = (
    "-1", "0", "9" * 5000, "1" + "0" * 400, "1e999", "-1e999", "NaN", "Infinity", "0x7fffffff", "1:59:59", "1_000",
    "99999999999999999999", "0.0000000001", "2147483648", "true", "null", "~", "!!python/object:os.system x", "*a",
    "&a b",    "\u0661\u0662", "1e-400",
)  # fmt: skip
"""What stands in place of a number in a text."""
_ODD_TEXTS = (
    "", "../../../etc/passwd", "/etc/passwd", "C:\\x", "a\0b", "a\nb", "\x1b]0;x\x07", "\u202egnp", "\u2028", "\ud800",
    "con",    "x" * 70_000, ".", "..", "a/" * 2000, "nul.png", "%s%n", "{{7*7}}", "<script>", "\ufeff", "e\u0301" * 300,
)  # fmt: skip
"""What stands in place of a text in JSON, and of a name in an archive."""
_BOMB_BYTES = 1 << 26


def mutate(data: bytes, rng: random.Random) -> bytes:
    """Return the data with one to four damages; every third time one that knows the format comes first."""
    if rng.random() < 1 / 3:
        data = rng.choice(_knowing(data))(data, rng)
        if rng.random() < 1 / 2:
            return data
    for _ in range(rng.randint(1, 4)):
        data = rng.choice(_BLIND)(data, rng)
    return data


def _knowing(data: bytes) -> tuple[Mutation, ...]:
    if data[:2] == b"PK":
        return (_inside_zip, _inside_zip, _names_in_zip, _bomb_in_zip, _claims_in_zip)
    if data[:2] == b"\x1f\x8b":
        return (_inside_gzip, _bomb_in_gzip)
    if data[:1] in (b"{", b"["):
        return (_value_in_json, _value_in_json, _key_in_json, _nest, _number_in_text, _recode)
    if b"\0" not in data[:512]:
        return (_number_in_text, _lines, _lines, _nest, _aliases, _recode, _odd_text)
    return (_number, _number, _chunk, _deflated_bomb)


# ---- blind


def _flip(data: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(data)) if data else 0
    return data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1 :] if data else data


def _extreme(data: bytes, rng: random.Random) -> bytes:
    at, size = rng.randrange(len(data) + 1), rng.choice((1, 2, 4, 8))
    return data[:at] + bytes([rng.choice(_EXTREMES)]) * size + data[at + size :]


def _cut(data: bytes, rng: random.Random) -> bytes:
    at, size = rng.randrange(len(data) + 1), rng.randint(1, 64)
    return data[:at] + data[at + size :]


def _double(data: bytes, rng: random.Random) -> bytes:
    at, size = rng.randrange(len(data) + 1), rng.randint(1, 64)
    return data[: at + size] * rng.choice((1, 1, 2)) + data[at:]


def _truncate(data: bytes, rng: random.Random) -> bytes:
    return data[: rng.randrange(len(data) + 1)]


def _number(data: bytes, rng: random.Random) -> bytes:
    """Put a number where a length, a size or an offset may be."""
    size, order = rng.choice((2, 4, 8)), rng.choice("<>")
    number = rng.choice((*_NUMBERS, len(data), len(data) - 1, len(data) + 1)) % (1 << 8 * size)
    at = rng.randrange(max(1, min(len(data), 256) if rng.random() < 3 / 4 else len(data)))
    return data[:at] + struct.pack(order + {2: "H", 4: "I", 8: "Q"}[size], number) + data[at + size :]


def _chunk(data: bytes, rng: random.Random) -> bytes:
    """Copy a part to another place, over what is there or between."""
    start, size, to = (
        rng.randrange(len(data) + 1),
        rng.randint(1, len(data) + 1),
        rng.randrange(len(data) + 1),
    )
    part = data[start : start + size]
    return data[:to] + part + data[to + (len(part) if rng.random() < 1 / 2 else 0) :]


_BLIND: tuple[Mutation, ...] = (_flip, _flip, _extreme, _cut, _double, _truncate, _number, _number, _chunk)


# ---- compressed


@cache
def _bomb() -> bytes:
    return zlib.compress(bytes(_BOMB_BYTES), 9)


@cache
def _gzip_bomb() -> bytes:
    return gzip.compress(bytes(_BOMB_BYTES), 9, mtime=0)


def _deflated_bomb(data: bytes, rng: random.Random) -> bytes:
    """Put zlib data that inflate a thousandfold in place of those that are there, or anywhere."""
    at = next(
        (at for at in range(len(data) - 1) if data[at : at + 2] in (b"\x78\x9c", b"\x78\x01", b"\x78\x5e")),
        None,
    )
    at = rng.randrange(len(data) + 1) if at is None else at
    return data[:at] + _bomb() + data[at:]


def _inside_gzip(data: bytes, rng: random.Random) -> bytes:
    try:
        inner = gzip.decompress(data)
    except (OSError, EOFError, zlib.error):
        return data
    return gzip.compress(rng.choice(_BLIND)(inner, rng), 1, mtime=0)


def _bomb_in_gzip(data: bytes, rng: random.Random) -> bytes:
    try:
        inner = gzip.decompress(data)
    except (OSError, EOFError, zlib.error):
        inner = data
    return gzip.compress(inner, 1, mtime=0) + _gzip_bomb() * rng.choice((1, 1, 2))


# ---- archives


def _entries(data: bytes) -> list[tuple[zipfile.ZipInfo, bytes]]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return [(info, archive.read(info)) for info in archive.infolist()]
    except Exception:  # an earlier mutation may have made anything of it
        return []


def _zip(entries: list[tuple[zipfile.ZipInfo, bytes]]) -> bytes:
    buffer = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w") as archive:
        warnings.simplefilter("ignore")  # a name that is there twice is meant
        for info, content in entries:
            archive.writestr(info, content)
    return buffer.getvalue()


def _inside_zip(data: bytes, rng: random.Random) -> bytes:
    """Change what is in an entry, so that checksums fit and the damage gets further."""
    entries = _entries(data)
    if not entries:
        return data
    at = rng.randrange(len(entries))
    info, content = entries[at]
    entries[at] = (info, rng.choice((*_BLIND, *_knowing(content)))(content, rng))
    return _zip(entries)


def _names_in_zip(data: bytes, rng: random.Random) -> bytes:
    entries = _entries(data)
    if not entries:
        return data
    info, content = rng.choice(entries)
    odd = zipfile.ZipInfo("x")
    odd.filename = rng.choice(_ODD_TEXTS)[:60_000].encode("utf-8", "replace").decode() or "./"
    odd.external_attr = rng.choice((0, 0o120777 << 16, 0o010644 << 16))
    return _zip([*entries, (odd, content), *([(info, content)] if rng.random() < 1 / 2 else [])])


def _bomb_in_zip(data: bytes, rng: random.Random) -> bytes:
    entries = _entries(data)
    if not entries:
        return data
    at = rng.randrange(len(entries))
    info, content = entries[at]
    info.compress_type = zipfile.ZIP_DEFLATED
    entries[at] = (info, content + bytes(_BOMB_BYTES // 16))
    return _zip(entries)


def _claims_in_zip(data: bytes, rng: random.Random) -> bytes:
    """Put a number into the directory at the end."""
    at = max(data.rfind(b"PK\x01\x02"), 0)
    at = data.rfind(b"PK\x05\x06") if rng.random() < 1 / 2 else at
    at = max(0, at) + rng.randrange(4, 46)
    size = rng.choice((2, 4))
    return (
        data[:at]
        + struct.pack({2: "<H", 4: "<I"}[size], rng.choice(_NUMBERS) % (1 << 8 * size))
        + data[at + size :]
    )


# ---- texts


def _number_in_text(data: bytes, rng: random.Random) -> bytes:
    found = list(re.finditer(rb"-?[0-9]+(?:\.[0-9]+)?", data))
    if not found:
        return data
    one = rng.choice(found)
    return data[: one.start()] + rng.choice(_WORDS).encode() + data[one.end() :]


def _odd_text(data: bytes, rng: random.Random) -> bytes:
    found = list(re.finditer(rb"[A-Za-z_./]{2,}", data))
    if not found:
        return data
    one = rng.choice(found)
    return data[: one.start()] + rng.choice(_ODD_TEXTS).encode("utf-8", "surrogatepass") + data[one.end() :]


def _lines(data: bytes, rng: random.Random) -> bytes:
    lines = data.split(b"\n")
    at, to = rng.randrange(len(lines)), rng.randrange(len(lines) + 1)
    kind = rng.randrange(4)
    if kind == 0:
        return b"\n".join([*lines[:to], *[lines[at]] * rng.choice((1, 2, 1000, 10_000)), *lines[to:]])
    if kind == 1:
        return b"\n".join(lines[:at] + lines[at + 1 :])
    if kind == 2:
        rng.shuffle(lines)
        return b"\n".join(lines)
    return b"\n".join([*lines[:at], b" " * rng.choice((1, 2, 8, 5000)) + lines[at], *lines[at + 1 :]])


def _nest(data: bytes, rng: random.Random) -> bytes:
    depth = rng.choice((20, 70, 1000, 50_000))
    opening = rng.choice((b"[", b"{a: ", b'{"a":', b"- ", b"? ", b"a:\n "))
    at = rng.randrange(len(data) + 1)
    closing = {b"[": b"]", b"{a: ": b"}", b'{"a":': b"}"}.get(opening, b"") * rng.choice((0, depth))
    return data[:at] + opening * depth + b"1" + closing + data[at:]


def _aliases(data: bytes, rng: random.Random) -> bytes:
    width = rng.choice((2, 10, 500))
    bomb = b"\nz0: &z0 [1, 1]\n" + b"".join(
        b"z%d: &z%d [%s]\n" % (n, n, b", ".join([b"*z%d" % (n - 1)] * width))
        for n in range(1, rng.choice((3, 10, 30)))
    )
    many = b"\nflat: [" + b"[]," * rng.choice((1000, 300_000)) + b"]\n"
    return data + rng.choice(
        (bomb, many, b"\n<<: *z9\n", b"\na: &a [*a]\n", b"\n---\nb: 1\n", b"\n%TAG ! x\n")
    )


def _recode(data: bytes, rng: random.Random) -> bytes:
    text = data.decode("utf-8", "replace")
    kind = rng.choice(("utf-16", "utf-32", "utf-8-sig", "utf-16-be", "cp1252", "utf-7", "nul", "bom"))
    if kind in ("nul", "bom"):
        at = rng.randrange(len(text) + 1)
        return (text[:at] + {"nul": "\0", "bom": "\ufeff"}[kind] + text[at:]).encode()
    return text.encode(kind, "replace")


# ---- JSON


def _value_in_json(data: bytes, rng: random.Random) -> bytes:
    """Put something of another type or size in place of a value."""
    try:
        top = json.loads(data)
    except (ValueError, RecursionError):
        return data
    places = list(_places(top))
    if not places:
        return data
    holder, key = rng.choice(places)
    odd: Any = (
        None,
        True,
        -1,
        0,
        2**31,
        2**63,
        10**30,
        1.5,
        1e300,
        [],
        {},
        [[]],
        {"": {}},
        rng.choice(_ODD_TEXTS),
    )
    holder[key] = rng.choice((*odd, [holder[key]] * rng.choice((2, 1000)), {"a": holder[key]}))
    return json.dumps(top, indent=rng.choice((None, 2)), ensure_ascii=rng.random() < 1 / 2).encode(
        "utf-8", "surrogatepass"
    )


def _key_in_json(data: bytes, rng: random.Random) -> bytes:
    """Drop a key, or name one twice."""
    found = list(re.finditer(rb'"([^"\\]*)"\s*:', data))
    if not found:
        return data
    one, other = rng.choice(found), rng.choice(found)
    name = rng.choice((b'""', b'"__proto__"', b'"schema"', b'"' + other[1] + b'"'))
    return data[: one.start()] + name + b":" + data[one.end() :]


def _places(value: Any) -> Any:  # noqa: ANN401
    """Yield every list and mapping in a JSON value with each key that it has."""
    for key in (
        range(len(value)) if isinstance(value, list) else list(value) if isinstance(value, dict) else ()
    ):
        yield value, key
        yield from _places(value[key])
