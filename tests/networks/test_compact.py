"""Compact: the public checkpoints' names, its borders, and files that only look like one."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from texpipe.errors import ModelError
from texpipe.networks import checkpoint, state_dict_names
from texpipe.networks.compact import Compact, CompactArchitecture
from texpipe.networks.rrdbnet import RRDBNet
from texpipe.texture import Edges

SMALL = CompactArchitecture(num_feat=6, num_conv=2)


def network(architecture: CompactArchitecture = SMALL, seed: int = 0) -> Compact:
    """A Compact whose biases and slopes are no constants, so that every weight shows in the result."""
    torch.manual_seed(seed)
    made = Compact(architecture).eval().requires_grad_(False)
    for value in made.parameters():
        if value.ndim == 1:
            value.uniform_(-0.3, 0.3)
    return made


def test_the_names_are_those_of_the_public_checkpoints() -> None:
    shapes = {name: tuple(value.shape) for name, value in network().state_dict().items()}
    assert shapes == {
        "body.0.weight": (6, 3, 3, 3),
        "body.0.bias": (6,),
        "body.1.weight": (6,),
        "body.2.weight": (6, 6, 3, 3),
        "body.2.bias": (6,),
        "body.3.weight": (6,),
        "body.4.weight": (6, 6, 3, 3),
        "body.4.bias": (6,),
        "body.5.weight": (6,),
        "body.6.weight": (48, 6, 3, 3),
        "body.6.bias": (48,),
    }
    assert sum(value.numel() for value in Compact().parameters()) == 621_424


def test_the_result_is_detail_added_to_the_repeated_picture() -> None:
    made, x = network(), torch.rand(1, 3, 4, 5)
    made.body[-1].weight.zero_()
    made.body[-1].bias.zero_()
    torch.testing.assert_close(made(x), functional.interpolate(x, scale_factor=4, mode="nearest"))


@settings(deadline=None, max_examples=20)
@given(down=st.integers(0, 6), right=st.integers(0, 4))
def test_rolling_a_wrapped_picture_rolls_the_result(down: int, right: int) -> None:
    made, x, both = network(), torch.rand(1, 3, 7, 5), Edges("wrap", "wrap")
    expected = made(x, both).roll((4 * down, 4 * right), (2, 3))
    torch.testing.assert_close(made(x.roll((down, right), (2, 3)), both), expected)


@pytest.mark.parametrize(
    "architecture",
    [
        SMALL,
        CompactArchitecture(scale=2, num_feat=5, num_conv=3),
        CompactArchitecture(scale=1, num_feat=4, num_conv=0),
    ],
)
def test_a_file_comes_back_as_the_same_network(tmp_path: Path, architecture: CompactArchitecture) -> None:
    made, x = network(architecture), torch.rand(1, 3, 5, 6)
    checkpoint.save_safetensors(tmp_path / "a.safetensors", made.state_dict(), {})
    torch.save({"params": made.state_dict()}, tmp_path / "a.pth")
    for name in ("a.safetensors", "a.pth"):
        loaded = checkpoint.load(tmp_path / name).network
        assert loaded.architecture == architecture
        torch.testing.assert_close(loaded(x), made(x), atol=2e-3, rtol=0)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda state: state.pop("body.1.weight"), "missing weights: body.1.weight"),
        (lambda state: state.pop("body.6.weight"), "begins and ends with a convolution"),
        (lambda state: state.update({"body.0.weight": torch.zeros(6)}), "begins and ends with a convolution"),
        (lambda state: state.update({"body.6.weight": torch.zeros(47, 6, 3, 3)}), "47 outputs"),
        (
            lambda state: state.update({"body.2.weight": torch.zeros(6, 5, 3, 3)}),
            "wrong shape: body.2.weight",
        ),
        (
            lambda state: state.update({"body.9.scale": torch.zeros(6)}),
            "not part of a Compact: body.9.scale",
        ),
        (lambda state: state["body.2.bias"].fill_(torch.nan), "not all finite numbers: body.2.bias"),
    ],
)
def test_what_only_looks_like_one_is_refused(spoil, said: str) -> None:
    state = network().state_dict()
    spoil(state)
    with pytest.raises(ModelError, match=said):
        state_dict_names.build(state)


def test_two_of_one_size_blend_and_others_do_not() -> None:
    a, b, x = network(seed=0), network(seed=1), torch.rand(1, 3, 4, 4)
    torch.testing.assert_close(checkpoint.interpolate(a, b, 0.0)(x), a(x))
    torch.testing.assert_close(checkpoint.interpolate(a, b, 1.0)(x), b(x))
    with pytest.raises(ModelError, match="num_conv 2 and 3"):
        checkpoint.interpolate(a, network(CompactArchitecture(num_feat=6, num_conv=3)), 0.5)
    with pytest.raises(ModelError, match="type Compact and RRDBNet"):
        checkpoint.interpolate(a, RRDBNet(num_feat=6, num_block=1, num_grow_ch=2), 0.5)
