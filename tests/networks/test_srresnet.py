"""SRResNet and its variations."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from texpipe.errors import ModelError
from texpipe.networks.srresnet import SRResNet, SRResNetArchitecture
from texpipe.train import generators

pytestmark = pytest.mark.usefixtures("one_thread")


def small(**changes: object) -> SRResNet:
    torch.manual_seed(0)
    return SRResNet(SRResNetArchitecture(**({"num_block": 2, "num_feat": 4} | changes))).eval()


@pytest.mark.parametrize("upsampler", ["pixel_shuffle", "nearest", "transposed"])
@pytest.mark.parametrize("padding", ["zeros", "reflect"])
@pytest.mark.parametrize("scale", [1, 2, 4])
def test_every_variation_multiplies_the_size(upsampler: str, padding: str, scale: int) -> None:
    network = small(upsampler=upsampler, padding=padding, scale=scale)
    assert network(torch.rand(2, 3, 6, 9)).shape == (2, 3, 6 * scale, 9 * scale)


def test_the_paper_s_network_has_the_paper_s_size() -> None:
    # 16 blocks, 64 features, two pixel-shuffle doublings: about 1.5 million weights (Ledig et al., 3.2).
    count = sum(p.numel() for p in SRResNet().parameters())
    assert 1.5e6 < count < 1.6e6


def test_reflection_sees_no_black_border() -> None:
    flat = torch.ones(1, 3, 8, 8)
    inside = small(padding="reflect", upsampler="nearest")(flat).detach()
    assert float((inside - inside.mean(dim=(2, 3), keepdim=True)).abs().max()) < 1e-4
    assert float(small(padding="zeros", upsampler="nearest")(flat).detach().std(dim=(2, 3)).max()) > 1e-3


def test_without_norm_there_are_no_statistics() -> None:
    assert not [name for name in small(norm=False).state_dict() if "running" in name]
    assert [name for name in small().state_dict() if "running" in name]


@pytest.mark.parametrize("scale", [0, 3, 6])
def test_only_powers_of_two(scale: int) -> None:
    with pytest.raises(ValueError, match="power of two"):
        small(scale=scale)


def test_saved_and_loaded_it_does_the_same(tmp_path: Path) -> None:
    network, x = small(upsampler="nearest", padding="reflect"), torch.rand(1, 3, 8, 8)
    path = tmp_path / "small.safetensors"
    generators.save(path, network, network.state_dict(), {})
    torch.testing.assert_close(generators.load(str(path)).network(x), network(x), atol=1e-2, rtol=1e-2)


def test_a_file_with_too_few_weights_is_refused(tmp_path: Path) -> None:
    network = small()
    state = {name: value for name, value in network.state_dict().items() if name != "conv_last.weight"}
    generators.save(tmp_path / "part.safetensors", network, state, {})
    with pytest.raises(ModelError, match=r"conv_last\.weight"):
        generators.load(str(tmp_path / "part.safetensors"))
