"""Padding per axis inside of networks that were not written for it.

What reads beyond the border of a map is overridden where it stands in the network: convolutions, transposed
convolutions, pooling, unfolding, sampling at coordinates and the masks of shifted windows. On a wrapped axis each of
them sees the other side of its map, on any other axis what its authors wrote.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from texpipe.networks.padding import extend
from texpipe.networks.window_masks import override_masks
from texpipe.texture import Axes

_WIDTH: Final = 3
_HEIGHT: Final = 2
_Sides: TypeAlias = tuple[int, int, int, int]
"""Texels left, right, above and below."""


class WrappedAxes(threading.local):
    """The axes that wrap in the present call of a network, for each thread."""

    axes: Axes = Axes()

    @contextmanager
    def set(self, axes: Axes) -> Iterator[None]:
        """Let some axes wrap."""
        before, self.axes = self.axes, axes
        try:
            yield
        finally:
            self.axes = before


class PerAxis(nn.Module):
    """A network whose maps wrap on the axes that each call names.

    Args:
        network: N x C x H x W to N x C x scale H x scale W; its modules are changed.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self._wrapped = WrappedAxes()
        for module in network.modules():
            _freeze(module)
            _override(module, self._wrapped)
            override_masks(module, lambda: self._wrapped.axes)

    def forward(self, x: Tensor, axes: Axes) -> Tensor:
        """Run the network.

        Args:
            x: N x C x H x W.
            axes: which of them wrap.
        """
        if not axes:
            out: Tensor = self.network(x)
            return out
        with self._wrapped.set(axes), _Sampling(axes):
            out = self.network(x)
        return out


def _freeze(module: nn.Module) -> None:
    """Merge the branches of a re-parameterised convolution once: SPAN does so in every call, in shared memory."""
    if callable(merge := getattr(module, "update_params", None)):
        merge()
        module.update_params = _nothing  # type: ignore[assignment]


def _nothing() -> None:
    """Do what is left to do when the branches are merged."""


def _override(module: nn.Module, wrapped: WrappedAxes) -> None:
    """Replace how one module reads beyond the border; a module without a border is left as it is."""
    for kind, change in _CHANGES.items():
        if isinstance(module, kind):
            change(module, wrapped)
    if type(module).__name__ == "CRAFT":
        _without_added_window(module, wrapped)


def _change_conv(conv: Any, wrapped: WrappedAxes) -> None:  # noqa: ANN401
    sides = _same_sides(conv) if isinstance(conv.padding, str) else _even_sides(conv.padding)
    if not any(sides):
        return
    usual = conv._conv_forward

    def convolve(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        axes = wrapped.axes
        if not axes:
            result: Tensor = usual(x, weight, bias)
            return result
        x = _padded(x, sides, axes, "constant" if conv.padding_mode == "zeros" else conv.padding_mode)
        return functional.conv2d(x, weight, bias, conv.stride, 0, conv.dilation, conv.groups)

    conv._conv_forward = convolve


def _change_pool(pool: Any, wrapped: WrappedAxes) -> None:  # noqa: ANN401
    sides = _even_sides(pool.padding)
    if not any(sides):
        return
    usual = pool.forward
    outside = float("-inf") if isinstance(pool, nn.MaxPool2d) else 0.0

    def forward(x: Tensor) -> Tensor:
        if not wrapped.axes:
            result: Tensor = usual(x)
            return result
        x = _padded(x, sides, wrapped.axes, "constant", outside)
        if isinstance(pool, nn.MaxPool2d):
            return functional.max_pool2d(x, pool.kernel_size, pool.stride, 0, pool.dilation, pool.ceil_mode)
        return functional.avg_pool2d(x, pool.kernel_size, pool.stride, 0, pool.ceil_mode)

    pool.forward = forward


def _change_unfold(unfold: Any, wrapped: WrappedAxes) -> None:  # noqa: ANN401
    sides = _even_sides(unfold.padding)
    if not any(sides):
        return
    usual = unfold.forward

    def forward(x: Tensor) -> Tensor:
        if not wrapped.axes:
            result: Tensor = usual(x)
            return result
        x = _padded(x, sides, wrapped.axes)
        return functional.unfold(x, unfold.kernel_size, unfold.dilation, 0, unfold.stride)

    unfold.forward = forward


def _change_transposed(conv: Any, wrapped: WrappedAxes) -> None:  # noqa: ANN401
    kernel, stride, padding = conv.kernel_size, conv.stride, conv.padding
    if all(k <= s for k, s in zip(kernel, stride, strict=True)):
        return  # no result depends on two texels
    usual = conv.forward

    def forward(x: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        axes = wrapped.axes
        if not axes:
            result: Tensor = usual(x, output_size)
            return result
        height, width = x.shape[2:]
        reach = [-(-k // s) if on else 0 for k, s, on in zip(kernel, stride, (axes.y, axes.x), strict=True)]
        x = extend(extend(x, _HEIGHT, reach[0], reach[0]), _WIDTH, reach[1], reach[1])
        out = functional.conv_transpose2d(
            x, conv.weight, conv.bias, stride, padding, conv.output_padding, conv.groups, conv.dilation
        )
        if axes.y:
            out = out.narrow(2, reach[0] * stride[0], height * stride[0])
        return out.narrow(3, reach[1] * stride[1], width * stride[1]) if axes.x else out

    conv.forward = forward


_CHANGES: Final[Mapping[type[nn.Module], Callable[[Any, WrappedAxes], None]]] = {
    nn.Conv2d: _change_conv,
    nn.ConvTranspose2d: _change_transposed,
    nn.MaxPool2d: _change_pool,
    nn.AvgPool2d: _change_pool,
    nn.Unfold: _change_unfold,
}
"""The modules that read beyond the border, and how that is changed."""


def sampling(axes: Axes) -> TorchFunctionMode:
    """Return a context in which bilinear samples at coordinates go around on these axes."""
    return _Sampling(axes)


class _Sampling(TorchFunctionMode):
    """Lets bilinear samples at coordinates go around, and pictures that a network pads itself."""

    def __init__(self, axes: Axes) -> None:
        super().__init__()
        self._axes = axes

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401
        """Call a torch function, or what stands for it."""
        kwargs = kwargs or {}
        if func is functional.grid_sample:
            return _sample(self._axes, *args, **kwargs)
        if func is functional.pad and _mirrors(*args, **kwargs):
            return _repad(self._axes, func, *args, **kwargs)
        return func(*args, **kwargs)


def _sample(
    axes: Axes,
    x: Tensor,
    grid: Tensor,
    mode: str = "bilinear",
    padding_mode: str = "zeros",
    align_corners: bool | None = None,
) -> Tensor:
    """Sample a map that goes around: coordinates beyond the border are brought back to the other side."""
    where = [grid[..., 0], grid[..., 1]]
    for place, (axis, wraps) in enumerate(((_WIDTH, axes.x), (_HEIGHT, axes.y))):
        if not wraps or align_corners:
            continue
        size = x.shape[axis]
        texels = ((where[place] + 1) * size - 1) / 2
        where[place] = (2 * (texels % size) + 3) / (size + 2) - 1
        x = extend(x, axis, 1, 1)
    grid = torch.stack(where, -1)
    return functional.grid_sample(x, grid, mode, padding_mode, align_corners)


def _mirrors(x: Tensor, pad: Sequence[int], mode: str = "constant", value: float | None = None) -> bool:
    """Return whether this pads pictures in a way that is not for weights: by reflection or repetition of the border."""
    return mode != "constant" and x.ndim == 4 and len(pad) == 4 and any(pad)


def _repad(
    axes: Axes,
    func: Callable[..., Tensor],
    x: Tensor,
    pad: Sequence[int],
    mode: str = "constant",
    value: float | None = None,
) -> Tensor:
    left, right, above, below = pad
    if axes.x:
        x = extend(x, _WIDTH, left, right)
    if axes.y:
        x = extend(x, _HEIGHT, above, below)
    rest = [0 if axes.x else left, 0 if axes.x else right, 0 if axes.y else above, 0 if axes.y else below]
    return func(x, rest, mode, value) if any(rest) else x


def _padded(x: Tensor, sides: _Sides, axes: Axes, mode: str = "constant", value: float = 0.0) -> Tensor:
    """Pad a map: by its other side on wrapped axes, else as `mode` says."""
    left, right, above, below = sides
    if axes.x:
        x = extend(x, _WIDTH, left, right)
    if axes.y:
        x = extend(x, _HEIGHT, above, below)
    rest = (0 if axes.x else left, 0 if axes.x else right, 0 if axes.y else above, 0 if axes.y else below)
    if not any(rest):
        return x
    return functional.pad(x, rest, mode, value) if mode == "constant" else functional.pad(x, rest, mode)


def _even_sides(padding: int | Sequence[int]) -> _Sides:
    y, x = (padding, padding) if isinstance(padding, int) else padding
    return x, x, y, y


def _without_added_window(network: Any, wrapped: WrappedAxes) -> None:  # noqa: ANN401
    """CRAFT adds a window of flipped lines to every side, even where none are missing: on wrapped axes it must not."""
    usual = network.forward

    def forward(x: Tensor) -> Tensor:
        axes, (height, width) = wrapped.axes, x.shape[2:]
        if not axes:
            result: Tensor = usual(x)
            return result
        for axis, wraps in ((_HEIGHT, axes.y), (_WIDTH, axes.x)):
            if not wraps:
                side = (x.shape[axis] // network.window_size + 1) * network.window_size
                x = torch.cat((x, x.flip(axis)), axis).narrow(axis, 0, side)
        mean = network.mean.type_as(x)
        first = network.conv_first((x - mean) * network.img_range)
        out = network.upsample(network.conv_after_body(network.forward_features(first)) + first)
        kept: Tensor = (out / network.img_range + mean)[
            :, :, : height * network.upscale, : width * network.upscale
        ]
        return kept

    network.forward = forward


def _same_sides(conv: nn.Conv2d) -> _Sides:
    """Return the padding of a convolution that keeps the size, as torch does it: the odd texel on the right."""
    if conv.padding == "valid":
        return 0, 0, 0, 0
    (y, x) = (d * (k - 1) for d, k in zip(conv.dilation, conv.kernel_size, strict=True))
    return x // 2, x - x // 2, y // 2, y - y // 2
