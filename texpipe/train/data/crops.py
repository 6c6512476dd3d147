"""What every set of training crops offers, wherever they come from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from torch import Tensor

from texpipe.train.data.collection import TrainingPicture
from texpipe.train.schema import Data


class Crops(Protocol):
    """An endless set of pairs of crops, each of which depends on the seed and its number alone."""

    @property
    def pictures(self) -> Sequence[TrainingPicture]:
        """The pictures that crops are drawn from."""
        ...

    @property
    def data(self) -> Data:
        """Crop size and augmentation."""
        ...

    @property
    def seed(self) -> int:
        """What determines the set."""
        ...

    def __getitem__(self, number: int) -> tuple[Tensor, Tensor]:
        """Return pair `number` as lr 3 x crop x crop and hr 3 x (scale crop) x (scale crop), in [0, 1]."""
        ...
