"""What the licences of models allow, as far as their names tell: which forbids selling, and which is the strictest."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

_NON_COMMERCIAL: Final = r"(?<![A-Za-z])NC(?![A-Za-z])|non.?commercial"
_NO_DERIVATIVES: Final = r"(?<![A-Za-z])ND(?![A-Za-z])|no.?derivatives"
_SHARE_ALIKE: Final = r"(?<![A-Za-z])SA(?![A-Za-z])|GPL|share.?alike"
_PUBLIC_DOMAIN: Final = r"CC0|public.?domain|unlicense|WTFPL|0BSD"


def forbids_commerce(licence: str | None) -> bool:
    """Return whether a licence allows only non-commercial use, by its SPDX identifier or its name.

    Args:
        licence: such as "CC-BY-NC-SA-4.0"; None, an unknown licence, gives False.
    """
    return _says(licence, _NON_COMMERCIAL)


def strictest(licences: Iterable[str | None]) -> str | None:
    """Return the licence that asks the most of whoever shares what was made under all of them.

    An unknown one, None, allows nothing that is known, so it counts as the strictest of all.

    Args:
        licences: SPDX identifiers or names; of equally strict ones the last in the alphabet. None of them gives None.
    """
    return max(licences, key=lambda one: (_strictness(one), one or ""), default=None)


def _strictness(licence: str | None) -> tuple[bool, ...]:
    """Return what a licence asks, what weighs most first."""
    return (
        licence is None,
        _says(licence, _NO_DERIVATIVES),
        forbids_commerce(licence),
        _says(licence, _SHARE_ALIKE),
        not _says(licence, _PUBLIC_DOMAIN),
    )


def _says(licence: str | None, pattern: str) -> bool:
    return bool(licence and re.search(pattern, licence, re.IGNORECASE))
