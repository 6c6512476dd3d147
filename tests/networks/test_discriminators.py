"""Networks that tell real pictures from generated ones."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn

from texpipe.networks.discriminators import ProjectedDiscriminator, StridedDiscriminator, UNetDiscriminator

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.parametrize("size", [16, 32, 96])
@pytest.mark.parametrize("dense", [256, 1024])
def test_the_strided_one_gives_one_logit_per_picture(size: int, dense: int) -> None:
    network = StridedDiscriminator(size, 2, dense)
    assert network(torch.rand(3, 3, size, size)).shape == (3, 1)
    assert network.head[1].out_features == dense


def test_the_critic_has_no_norm_and_judges_each_picture_alone() -> None:
    critic = StridedDiscriminator(16, 2, 4, norm=False)
    assert not [m for m in critic.modules() if isinstance(m, nn.BatchNorm2d)]
    assert [m for m in StridedDiscriminator(16, 2, 4).modules() if isinstance(m, nn.BatchNorm2d)]
    pictures = torch.rand(2, 3, 16, 16)
    torch.testing.assert_close(critic(pictures)[:1], critic(pictures[:1]))


@pytest.mark.parametrize("size", [0, 8, 24])
def test_sizes_must_be_multiples_of_16(size: int) -> None:
    with pytest.raises(ValueError, match="multiple of 16"):
        StridedDiscriminator(size)


def test_the_u_net_judges_every_pixel() -> None:
    assert UNetDiscriminator(2)(torch.rand(2, 3, 16, 24)).shape == (2, 1, 16, 24)


def test_the_u_net_s_inner_layers_have_a_spectral_norm_of_one() -> None:
    torch.manual_seed(0)
    network = UNetDiscriminator(4)
    for _ in range(30):  # power iteration converges as it is used
        network(torch.rand(1, 3, 16, 16))
    for conv in (*network.down, *network.up, *network.tail):
        largest = torch.linalg.matrix_norm(conv.weight.detach().flatten(1), 2)
        assert float(largest) == pytest.approx(1, abs=0.05)


def brightness(x: torch.Tensor) -> dict[str, torch.Tensor]:
    return {"fine": x.repeat(1, 2, 1, 1), "coarse": nn.functional.avg_pool2d(x, 4)}


def test_heads_on_frozen_features_judge_every_place_and_save_no_trunk() -> None:
    trunk = nn.Conv2d(3, 6, 1)
    network = ProjectedDiscriminator(lambda x: {"fine": trunk(x).relu()}, {"fine": 6}, 4)
    assert network(torch.rand(2, 3, 16, 24)).shape == (2, 1, 16, 24)
    assert all(name.startswith("heads.") for name in network.state_dict())
    two = ProjectedDiscriminator(brightness, {"fine": 6, "coarse": 3}, 4)
    assert two(torch.rand(2, 3, 16, 24)).shape == (2, 2, 16, 24)


@pytest.mark.parametrize(
    "make",
    [
        lambda: StridedDiscriminator(16, 4, 8),
        lambda: UNetDiscriminator(4),
        lambda: ProjectedDiscriminator(brightness, {"fine": 6, "coarse": 3}, 4),
    ],
)
def test_they_learn_to_tell_bright_from_dark_pictures(make: Callable[[], nn.Module]) -> None:
    torch.manual_seed(0)
    network = make()
    optimiser = torch.optim.Adam(network.parameters(), 2e-2)
    bright, dark = 0.5 + torch.rand(8, 3, 16, 16) / 2, torch.rand(8, 3, 16, 16) / 2
    for _ in range(40):
        loss = nn.functional.softplus(-network(bright)).mean() + nn.functional.softplus(network(dark)).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    with torch.no_grad():
        assert float(network(bright).mean()) > float(network(dark).mean()) + 0.3
