"""The dial between the two ends of a model: faithful and inventive weights of one architecture, blended when loaded.

ESRGAN's network interpolation (Wang et al. 2018, arXiv:1809.00219, section 3.4): the inventive end was trained from
the faithful one, so every blend of their weights is a network, too.
"""

from __future__ import annotations

from pathlib import Path

from texpipe.errors import Location, ModelError
from texpipe.networks import checkpoint
from texpipe.networks.catalogue import inventive_end
from texpipe.networks.state_dict_names import Generator

FAITHFUL = 0.0
"""Detail of the faithful end, and of a model that has no other."""


class Dial:
    """A model with one end or two.

    Args:
        faithful: the model's own weights, at detail 0.
        inventive: the weights at detail 1, of the same architecture; None for a model without them.
    """

    def __init__(self, faithful: Generator, inventive: Generator | None = None) -> None:
        self.faithful = faithful
        self._inventive = inventive

    @property
    def has_two_ends(self) -> bool:
        """Whether there is an inventive end."""
        return self._inventive is not None

    def at(self, detail: float) -> Generator:
        """Return the network at a detail of 0 to 1; at 0 it is `faithful` itself.

        Raises:
            ModelError: the model has no inventive end, or one of another architecture.
        """
        if detail == FAITHFUL:
            return self.faithful
        if self._inventive is None:
            require_faithful(detail)
        assert self._inventive is not None
        return checkpoint.interpolate(self.faithful, self._inventive, detail)


def require_faithful(detail: float) -> None:
    """Check what is asked of a model that has no dial.

    Raises:
        ModelError: the detail is not 0.
    """
    if detail != FAITHFUL:
        raise ModelError(
            f"the model has no inventive end to blend in {detail:g} of", hint="Leave detail out."
        )


def load(path: Path) -> Dial:
    """Load a model, and its inventive end if its card names one.

    Raises:
        ModelError: see `checkpoint.load`, of either file.
    """
    faithful, other = checkpoint.load(path).network, inventive_end(path)
    if other is None:
        return Dial(faithful)
    inventive = checkpoint.load(other).network
    if inventive.architecture != faithful.architecture:
        raise ModelError(
            f"{other.name} has another architecture than {path.name}",
            hint="The two ends of a dial are trained from one another; correct the card.",
            location=Location(path.with_suffix(".json")),
        )
    return Dial(faithful, inventive)
