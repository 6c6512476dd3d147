"""Canonical JSON and digests of it: the keys of what is stored."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from typing import Any


def canonical_json(value: object) -> bytes:
    """Return the one JSON text of a value: sorted keys, no spaces, UTF-8.

    Dataclasses become objects of their fields; those that take no part in comparison (`Plan.decided_by`) stay
    out.

    Raises:
        ValueError: a number is NaN or infinite.
        TypeError: a value has no JSON form.
    """
    return _ENCODER.encode(value).encode()


def key_of(*parts: object) -> str:
    """Return the store key of a result: the hex sha256 over the canonical JSON of all that determines it.

    Args:
        parts: pixel digest, plan, model digest, code version and the like, in a fixed order.
    """
    return hashlib.sha256(canonical_json(parts)).hexdigest()


def _as_object(value: object) -> dict[str, Any]:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            field.name: getattr(value, field.name) for field in dataclasses.fields(value) if field.compare
        }
    raise TypeError(f"{type(value).__name__} has no JSON form")


_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False, default=_as_object)
