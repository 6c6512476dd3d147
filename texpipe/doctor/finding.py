"""One line of the examination."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeAlias

State: TypeAlias = Literal["good", "note", "problem"]


@dataclass(frozen=True)
class Finding:
    """One thing that was examined.

    Attributes:
        area: group of findings: "software", "devices", "models", "speed", "folders" or "emulators".
        name: what was examined.
        state: "good"; "note" if something could be better; "problem" if texpipe cannot work like this.
        found: what is there.
        remedy: what to do about it; None if nothing need be done.
    """

    area: str
    name: str
    state: State
    found: str
    remedy: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the finding as JSON."""
        return asdict(self)
