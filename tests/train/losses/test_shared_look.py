"""One pass through VGG16 for all that look through it."""

from __future__ import annotations

import pytest
import torch

from texpipe.train.losses.features import Trunk, dists
from texpipe.train.losses.shared_look import LAYERS, SharedDists, SharedLook, SharedLpips

pytestmark = pytest.mark.usefixtures("one_thread")


class Counted(Trunk):
    """Counts how often it is asked."""

    asked = 0

    def forward(self, *arguments: object, **options: object) -> dict[str, torch.Tensor]:
        """Count, then look."""
        self.asked += 1
        return super().forward(*arguments, **options)


@pytest.fixture
def trunk() -> Counted:
    torch.manual_seed(0)
    return Counted("vgg16")


def picture(seed: int) -> torch.Tensor:
    return torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(seed))


def test_losses_of_one_step_share_two_passes(trunk: Counted) -> None:
    look = SharedLook(trunk)
    result, hr = picture(0).requires_grad_(True), picture(1)
    both = SharedLpips(look)(result, hr) + SharedDists(look, torch.ones(1475), torch.ones(1475))(result, hr)
    detached = look(result.detach())
    assert trunk.asked == 2
    assert not any(value.requires_grad for value in detached.values())
    both.backward()
    assert result.grad is not None
    assert float(result.grad.abs().sum()) > 0


def test_another_picture_in_the_same_place_is_looked_at_anew(trunk: Counted) -> None:
    look, x = SharedLook(trunk), picture(0)
    before = look(x)["conv1_2"]
    x.mul_(0.5)
    assert not torch.equal(look(x)["conv1_2"], before)
    assert trunk.asked == 2


def test_what_was_forgotten_is_looked_at_again(trunk: Counted) -> None:
    look, x = SharedLook(trunk), picture(0)
    look(x)
    look.forget()
    look(x)
    assert trunk.asked == 2


def test_the_shared_distances_are_those_of_the_metrics(trunk: Counted) -> None:
    look, a, b = SharedLook(trunk), picture(0), picture(1)
    alpha, beta = torch.rand(1475), torch.rand(1475)
    assert torch.allclose(SharedDists(look, alpha, beta)(a, b), dists(trunk, alpha, beta, a, b).mean())
    assert float(SharedLpips(look)(a, a)) == 0
    assert float(SharedLpips(look)(a, b)) > 0
    assert tuple(look(a)) == LAYERS
