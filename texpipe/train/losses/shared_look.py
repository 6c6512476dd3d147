"""One look through VGG16 for all who want it: LPIPS, DISTS and the projected discriminator share a pass.

On a processor VGG16 costs half as much as the generator, so each picture of a step is looked at once. The pooling is
DISTS's, which does not alias: a projected discriminator that sees through max pooling teaches the generator the
pooling's own grid.
"""

from __future__ import annotations

from torch import Tensor

from texpipe.train.losses.features import LPIPS_LAYERS, Looked, Trunk, dists_of, lpips_of

LAYERS = LPIPS_LAYERS["vgg16"]
_REMEMBERED = 2
"""Pictures of a step whose features are kept: the result and the original."""


class SharedLook:
    """Features of VGG16's LPIPS layers, pooled as DISTS pools, computed once per picture.

    Args:
        trunk: VGG16.
    """

    def __init__(self, trunk: Trunk) -> None:
        self.trunk = trunk
        self._seen: list[tuple[Tensor, int, Looked]] = []

    def __call__(self, x: Tensor) -> Looked:
        """Return the features of N x 3 x H x W in [0, 1], each N x C x H' x W'.

        A detached picture finds the features of the one it was detached from, detached likewise.
        """
        for picture, version, features in self._seen:
            if _same(picture, x) and version == x._version:
                if picture.requires_grad and not x.requires_grad:
                    return {name: value.detach() for name, value in features.items()}
                return features
        found: Looked = self.trunk(x, LAYERS, l2_pool=True)
        self._seen = [*self._seen[1 - _REMEMBERED :], (x, x._version, found)]
        return found

    def forget(self) -> None:
        """Let go of the features of a step that is over, and of the graphs behind them."""
        self._seen = []


class SharedLpips:
    """Mean LPIPS of a batch with pooling that does not alias (see `SharedLook`)."""

    def __init__(self, look: SharedLook) -> None:
        self.look = look

    def __call__(self, result: Tensor, hr: Tensor) -> Tensor:
        """Return the distance of two N x 3 x H x W as a scalar."""
        return lpips_of(self.look.trunk, self.look(result), self.look(hr)).mean()


class SharedDists:
    """Mean DISTS of a batch.

    Args:
        look: VGG16.
        alpha, beta: weights of the means and of the correlations, as `features.dists` takes them.
    """

    def __init__(self, look: SharedLook, alpha: Tensor, beta: Tensor) -> None:
        self.look = look
        self.alpha, self.beta = alpha, beta

    def __call__(self, result: Tensor, hr: Tensor) -> Tensor:
        """Return the distance of two N x 3 x H x W as a scalar."""
        ours = [result, *self.look(result).values()]
        theirs = [hr, *self.look(hr).values()]
        return dists_of(self.alpha, self.beta, ours, theirs).mean()


def _same(a: Tensor, b: Tensor) -> bool:
    """Whether two tensors are the same pixels in memory. The remembered one is alive, so its memory is not reused."""
    return a.data_ptr() == b.data_ptr() and a.shape == b.shape and a.stride() == b.stride()
