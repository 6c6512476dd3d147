"""Convolutions by each method against torch's own, with every padding."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from texpipe.networks.padding import Pads, pad2d
from texpipe.upscale import convolve, layout
from texpipe.upscale.convolve import DirectConvolution
from texpipe.upscale.layout import TexelGrid
from texpipe.upscale.winograd import Winograd

CPU = torch.device("cpu")
METHODS = [DirectConvolution(CPU), Winograd(CPU)]
SLOPE = 0.2
INPUTS, OUTPUTS = 5, 4

by_method = pytest.mark.parametrize("method", METHODS, ids=lambda method: type(method).__name__)
sides = st.integers(1, 11)
paddings = st.sampled_from(["wrap", "replicate", "reflect", "zero"])
pads_of_each_kind = st.builds(Pads, paddings, paddings)


def make_maps(count, height, width, channels=INPUTS, seed=0):
    return torch.randn(count, channels, height, width, generator=torch.Generator().manual_seed(seed))


def make_weights(inputs=INPUTS, outputs=OUTPUTS):
    generator = torch.Generator().manual_seed(inputs)
    return torch.randn(outputs, inputs, 3, 3, generator=generator), torch.randn(outputs, generator=generator)


def to_rows(maps, method):
    count, channels, height, width = maps.shape
    raster = maps.permute(0, 2, 3, 1).reshape(-1, channels)
    return raster[layout.from_raster(TexelGrid(count, height, width, method.order), CPU)]


def from_rows(rows, grid):
    raster = rows[layout.to_raster(grid, CPU)]
    return raster.view(grid.count, grid.height, grid.width, -1).permute(0, 3, 1, 2)


def plain(maps, weight, bias, pads):
    return functional.conv2d(pad2d(maps, pads), weight, bias)


@by_method
@settings(deadline=None, max_examples=40)
@given(count=st.integers(1, 3), height=sides, width=sides, pads=pads_of_each_kind)
def test_one_map_is_convolved_as_the_library_does(method, count, height, width, pads):
    maps, (weight, bias) = make_maps(count, height, width), make_weights()
    grid = TexelGrid(count, height, width, method.order)
    for slope in (None, SLOPE):
        layer = method.prepare(weight, bias, torch.float32, slope)
        found = from_rows(method.convolve(to_rows(maps, method), layer, grid, pads), grid)
        expected = plain(maps, weight, bias, pads)
        expected = expected if slope is None else functional.leaky_relu(expected, slope)
        torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)


@by_method
@settings(deadline=None, max_examples=40)
@given(count=st.integers(1, 3), height=sides, width=sides, pads=pads_of_each_kind)
def test_a_doubled_map_is_convolved_as_if_it_were_doubled(method, count, height, width, pads):
    maps, (weight, bias) = make_maps(count, height, width), make_weights()
    layer = method.prepare_doubled(weight, bias, torch.float32, SLOPE)
    grid = TexelGrid(count, height, width, method.order)
    found = method.convolve_upsampled(to_rows(maps, method), layer, grid, pads)
    doubled = functional.interpolate(maps, scale_factor=2, mode="nearest")
    expected = functional.leaky_relu(plain(doubled, weight, bias, pads), SLOPE)
    torch.testing.assert_close(
        from_rows(found, grid.doubled(method.doubled_order)), expected, atol=1e-4, rtol=1e-4
    )


@by_method
@settings(deadline=None, max_examples=20)
@given(height=sides, width=sides, pads=pads_of_each_kind)
def test_what_a_doubled_map_gives_can_be_doubled_again_and_convolved(method, height, width, pads):
    """Rows in quads are read by every kind of convolution."""
    maps, (weight, bias) = make_maps(2, height, width, OUTPUTS), make_weights(OUTPUTS, OUTPUTS)
    rows, grid, expected = to_rows(maps, method), TexelGrid(2, height, width, method.order), maps
    for _ in range(2):
        rows = method.convolve_upsampled(
            rows, method.prepare_doubled(weight, bias, torch.float32, SLOPE), grid, pads
        )
        grid = grid.doubled(method.doubled_order)
        doubled = functional.interpolate(expected, scale_factor=2, mode="nearest")
        expected = functional.leaky_relu(plain(doubled, weight, bias, pads), SLOPE)
    rows = method.convolve(rows, method.prepare(weight, bias, torch.float32), grid, pads)
    found = from_rows(rows, TexelGrid(grid.count, grid.height, grid.width, method.order))
    expected = plain(expected, weight, bias, pads)
    torch.testing.assert_close(found, expected, atol=1e-4 * expected.abs().max().item(), rtol=0)


@by_method
@settings(deadline=None, max_examples=20)
@given(height=sides, width=sides, pads=pads_of_each_kind)
def test_a_stack_is_its_maps_side_by_side(method, height, width, pads):
    grid = TexelGrid(2, height, width, method.order)
    stack = method.new_stack(grid, pads, 3 * INPUTS, torch.float32)
    for start in (0, 10):  # the second time in the memory of the first
        stack.clear()
        seen = []
        for seed in range(start, start + 3):
            seen.append(make_maps(2, height, width, seed=seed))
            stack.push(to_rows(seen[-1], method))
            weight, bias = make_weights(INPUTS * len(seen))
            found = stack.convolve(method.prepare(weight, bias, torch.float32))
            expected = plain(torch.cat(seen, 1), weight, bias, pads)
            torch.testing.assert_close(from_rows(found, grid), expected, atol=2e-4, rtol=1e-4)


@by_method
@settings(deadline=None, max_examples=20)
@given(height=sides, width=sides, pads=pads_of_each_kind)
def test_the_last_convolution_is_one(method, height, width, pads):
    maps, (weight, bias) = make_maps(2, height, width), make_weights(outputs=3)
    grid = TexelGrid(2, height, width, method.order)
    found = method.convolve_output(to_rows(maps, method), method.prepare_last(weight, bias), grid, pads)
    expected = plain(maps, weight, bias, pads)
    torch.testing.assert_close(from_rows(found, grid), expected, atol=1e-4, rtol=1e-4)


def test_more_tiles_than_a_chunk_has_come_out_in_their_places():
    method, (weight, bias) = Winograd(CPU), make_weights()
    grid, pads = TexelGrid(3, 52, 61, "tiled"), Pads("wrap", "zero")
    maps = make_maps(3, 52, 61)
    found = method.convolve(to_rows(maps, method), method.prepare(weight, bias, torch.float32), grid, pads)
    torch.testing.assert_close(from_rows(found, grid), plain(maps, weight, bias, pads), atol=1e-4, rtol=1e-4)


def test_the_convolution_s_own_activation_changes_no_bit(monkeypatch):
    method, (weight, bias) = DirectConvolution(CPU), make_weights(32, 32)
    maps = make_maps(2, 9, 8, 32)
    layer = method.prepare(weight, bias, torch.float32, SLOPE)
    arguments = (to_rows(maps, method), layer, TexelGrid(2, 9, 8, "raster"), Pads())
    fused = method.convolve(*arguments)
    monkeypatch.setattr(convolve, "_uses_onednn", lambda device, dtype: False)
    assert torch.equal(method.convolve(*arguments), fused)


def test_rows_are_narrowed_before_they_are_gathered_and_widened_after():
    method, (weight, bias) = DirectConvolution(CPU), make_weights(16, 16)
    grid, maps = TexelGrid(2, 6, 5, "raster"), make_maps(2, 6, 5, 16)
    for source, target in ((torch.bfloat16, torch.float32), (torch.float32, torch.bfloat16)):
        rows = to_rows(maps, method).to(source)
        found = method.convolve(rows, method.prepare(weight, bias, target), grid, Pads("wrap", "zero"))
        assert found.dtype is target
        expected = plain(maps.to(source).float(), weight, bias, Pads("wrap", "zero"))
        torch.testing.assert_close(from_rows(found.float(), grid), expected, atol=0.3, rtol=0.02)
