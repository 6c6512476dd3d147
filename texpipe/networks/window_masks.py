"""The masks of shifted windows on axes that wrap.

A window that was shifted beyond the border holds texels of both sides, which a mask keeps from seeing each other. On a
wrapped axis they are neighbours. Only the last windows along an axis have such a border in them, so the masks of a map
of twice the size, without its second half, are those of an axis that has none.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor, nn

from texpipe.texture import Axes


def override_masks(module: nn.Module, wrapped: Callable[[], Axes]) -> None:
    """Let a module's masks follow the axes that wrap.

    Args:
        module: any module; one without masks is left as it is.
        wrapped: returns the axes that wrap in the present call.
    """
    if hasattr(module, "calculate_mask"):
        _never_of_the_training_size(module)
        change = _masks_of_splits if hasattr(module, "split_size") else _mask_of_windows
        change(module, wrapped)
    if hasattr(module, "generate_mask"):
        _mask_of_window_counts(module, wrapped)


def _never_of_the_training_size(module: Any) -> None:  # noqa: ANN401
    """Have masks always calculated: those that are stored with the weights have all borders."""
    for name, value in (("input_resolution", (-1, -1)), ("patches_resolution", -1)):
        if hasattr(module, name):
            setattr(module, name, value)


def _mask_of_windows(module: Any, wrapped: Callable[[], Axes]) -> None:  # noqa: ANN401
    """SwinIR and its descendants: one mask, windows are square, the size is a pair."""
    usual = module.calculate_mask

    def calculate(size: Sequence[int], *rest: object, **more: object) -> Tensor:
        axes, (height, width) = wrapped(), size
        mask: Tensor = usual(_doubled(height, width, axes), *rest, **more)
        window = int(module.window_size)
        return _first(mask, height // window, width // window, axes)

    module.calculate_mask = calculate


def _masks_of_splits(module: Any, wrapped: Callable[[], Axes]) -> None:  # noqa: ANN401
    """DAT and RGT: two masks, for windows of the split size and for those turned by a quarter."""
    usual = module.calculate_mask
    one, other = module.split_size

    def calculate(height: int, width: int, *rest: object, **more: object) -> tuple[Tensor, Tensor]:
        axes = wrapped()
        upright, turned = usual(*_doubled(height, width, axes), *rest, **more)
        return (
            _first(upright, height // one, width // other, axes),
            _first(turned, height // other, width // one, axes),
        )

    module.calculate_mask = calculate


def _mask_of_window_counts(module: Any, wrapped: Callable[[], Axes]) -> None:  # noqa: ANN401
    """SCUNet: the size is a number of windows per axis, and the mask has two axes in front."""
    usual = module.generate_mask

    def generate(down: int, across: int, *rest: object, **more: object) -> Tensor:
        axes = wrapped()
        mask: Tensor = usual(*_doubled(down, across, axes), *rest, **more)
        return _first(mask[0, 0], down, across, axes)[None, None]

    module.generate_mask = generate


def _doubled(height: int, width: int, axes: Axes) -> tuple[int, int]:
    return height * (2 if axes.y else 1), width * (2 if axes.x else 1)


def _first(mask: Tensor, down: int, across: int, axes: Axes) -> Tensor:
    """Return the masks of the first windows along each wrapped axis; windows x N x N, row by row."""
    grid = mask.view(*_doubled(down, across, axes), *mask.shape[1:])
    return grid[:down, :across].flatten(0, 1)
