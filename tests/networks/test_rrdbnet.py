"""The network and its padding: numpy's padding as the reference, and periodicity without a golden file."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from texpipe.networks.padding import Padding, Pads, pad2d, pads_of, to_multiple
from texpipe.networks.rrdbnet import RRDBNet
from texpipe.texture import Edges

NUMPY_MODES: dict[Padding, str] = {
    "wrap": "wrap",
    "replicate": "edge",
    "reflect": "reflect",
    "zero": "constant",
}
modes = st.sampled_from(sorted(NUMPY_MODES))
sides = st.integers(1, 5)


def network(seed: int = 0, **size: int) -> RRDBNet:
    """A tiny network whose output depends visibly on every layer."""
    torch.manual_seed(seed)
    made = RRDBNet(**{"num_feat": 8, "num_block": 1, "num_grow_ch": 4, **size}).eval()
    for name, value in made.named_parameters():
        torch.nn.init.normal_(value, std=0.2 if name.endswith("weight") else 0.05)
    return made.requires_grad_(False)


def picture(seed: int, height: int, width: int) -> torch.Tensor:
    return torch.rand((2, 3, height, width), generator=torch.Generator().manual_seed(seed))


@given(modes, modes, sides, sides, st.integers(1, 4))
def test_padding_agrees_with_numpy_per_axis(x: Padding, y: Padding, height: int, width: int, by: int) -> None:
    maps = picture(1, height, width).numpy()
    expected = np.pad(maps, ((0, 0), (0, 0), (0, 0), (by, by)), NUMPY_MODES[x])
    expected = np.pad(expected, ((0, 0), (0, 0), (by, by), (0, 0)), NUMPY_MODES[y])
    np.testing.assert_array_equal(pad2d(torch.from_numpy(maps), Pads(x, y), by).numpy(), expected)


@pytest.mark.parametrize("mode", NUMPY_MODES)
def test_padding_keeps_channels_last_and_gradients(mode: Padding) -> None:
    maps = torch.rand(2, 8, 4, 5).contiguous(memory_format=torch.channels_last).requires_grad_()
    padded = pad2d(maps, Pads(mode, mode))
    assert padded.is_contiguous(memory_format=torch.channels_last)
    padded.sum().backward()
    assert maps.grad is not None
    copies = {"wrap": 42, "replicate": 42, "reflect": 42, "zero": 20}[mode]
    assert maps.grad.sum() == 2 * 8 * copies


@given(st.sampled_from([2, 4]), sides, sides)
def test_extension_to_a_multiple_repeats_a_wrapped_axis_whole(factor: int, height: int, width: int) -> None:
    maps = picture(2, height, width)
    extended = to_multiple(maps, factor, Pads("wrap", "zero"))
    rows, columns = extended.shape[2:]
    assert rows % factor == columns % factor == 0
    assert rows < height + factor
    assert columns % width == 0
    expected = np.pad(maps.numpy(), ((0, 0), (0, 0), (0, rows - height), (0, 0)), "edge")
    np.testing.assert_array_equal(extended.numpy(), np.pad(expected, _right(columns - width), "wrap"))


def _right(by: int) -> tuple[tuple[int, int], ...]:
    return ((0, 0), (0, 0), (0, 0), (0, by))


def test_edges_become_padding_and_mirror_is_refused() -> None:
    assert pads_of(Edges("wrap", "clamp")) == Pads("wrap", "zero")
    assert pads_of(Edges("clamp", "wrap"), clamp="reflect") == Pads("reflect", "wrap")
    with pytest.raises(ValueError, match="mirror image"):
        pads_of(Edges("clamp", "mirror"))


@settings(deadline=None, max_examples=6)
@given(st.sampled_from(["x", "y", "xy"]), st.integers(-9, 9), st.integers(1, 4), st.integers(1, 4))
def test_rolling_a_wrapped_picture_rolls_the_result(axes: str, by: int, height: int, width: int) -> None:
    edges = Edges("wrap" if "x" in axes else "clamp", "wrap" if "y" in axes else "clamp")
    dims = [{"x": 3, "y": 2}[axis] for axis in axes]
    net, maps = network(), picture(3, height, width)
    rolled = net(maps.roll([by] * len(dims), dims), edges)
    expected = net(maps, edges).roll([4 * by] * len(dims), dims)
    torch.testing.assert_close(rolled, expected, rtol=1e-4, atol=1e-4)


def test_a_clamped_picture_does_not_roll() -> None:
    net, maps = network(), picture(3, 4, 4)
    assert not torch.allclose(net(maps.roll(1, 3)), net(maps).roll(4, 3), atol=1e-3)


@settings(deadline=None, max_examples=12)
@given(st.sampled_from([1, 2, 4, 8]), st.sampled_from([None, 1]), sides, sides)
def test_every_scale_takes_every_size(scale: int, unshuffle: int | None, height: int, width: int) -> None:
    size = {"scale": scale} | ({} if unshuffle is None else {"unshuffle": unshuffle})
    result = network(**size)(picture(4, height, width), Edges("wrap", "clamp"))
    assert result.shape == (2, 3, scale * height, scale * width)


@pytest.mark.parametrize("scale", [1, 2])
def test_a_wrapped_picture_of_odd_size_equals_its_repetition(scale: int) -> None:
    """Where the input is folded, an odd wrapped picture is upscaled as if it lay in a larger periodic one."""
    net, maps = network(scale=scale), picture(5, 3, 5)
    edges = Edges("wrap", "wrap")
    repeated = net(maps.repeat(1, 1, 4, 4), edges)
    torch.testing.assert_close(
        net(maps, edges), repeated[:, :, : 3 * scale, : 5 * scale], rtol=1e-4, atol=1e-4
    )


def test_one_texel_clamped_sees_only_the_middle_of_the_kernels() -> None:
    net = network(num_block=1)
    only_middle = network(num_block=1)
    for value in only_middle.conv_first.parameters():
        if value.ndim == 4:
            value[:, :, [0, 0, 0, 1, 1, 2, 2, 2], [0, 1, 2, 0, 2, 0, 1, 2]] = 0
    torch.testing.assert_close(net(picture(6, 1, 1)), only_middle(picture(6, 1, 1)))


def test_state_dict_names_are_real_esrgans() -> None:
    names = list(network(num_block=2).state_dict())
    assert names[:4] == ["conv_first.weight", "conv_first.bias", *_conv("body.0.rdb1.conv1")]
    assert names[-10:-8] == _conv("conv_body")
    assert names[-8:] == [n for part in ("conv_up1", "conv_up2", "conv_hr", "conv_last") for n in _conv(part)]
    assert "body.1.rdb3.conv5.weight" in names
    assert len(names) == 2 * (15 * 2 + 6)


def _conv(name: str) -> list[str]:
    return [f"{name}.weight", f"{name}.bias"]


def test_real_esrgans_size_has_its_number_of_parameters() -> None:
    with torch.device("meta"):
        assert sum(value.numel() for value in RRDBNet(num_block=6).parameters()) == 4_467_779


def test_training_works_with_every_edge() -> None:
    net = network().requires_grad_()
    for edges in (Edges("wrap", "wrap"), Edges("wrap", "clamp"), Edges("clamp", "clamp")):
        net.zero_grad()
        net(picture(7, 3, 3), edges).square().mean().backward()
        assert all(value.grad is not None and value.grad.abs().sum() > 0 for value in net.parameters())
