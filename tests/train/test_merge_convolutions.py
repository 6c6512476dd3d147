"""A Compact with fewer convolutions that does nearly the same."""

from __future__ import annotations

import pytest
import torch

from texpipe.errors import UsageError
from texpipe.networks.compact import Compact, CompactArchitecture
from texpipe.train.merge_convolutions import merged
from texpipe.train.prune_blocks import shortened


def network(convolutions: int) -> Compact:
    torch.manual_seed(0)
    made = Compact(CompactArchitecture(num_feat=8, num_conv=convolutions)).eval()
    with torch.no_grad():
        for conv in made.convs:
            conv.weight.mul_(2)  # as drawn, features fade from one convolution to the next
    return made


def pictures(seed: int = 1) -> torch.Tensor:
    return torch.rand(4, 3, 16, 17, generator=torch.Generator().manual_seed(seed))


def with_one_that_does_nothing(place: int) -> tuple[Compact, Compact]:
    """A network, and the same one with a convolution that hands on what it gets after the one at `place`."""
    short = network(3)
    long = Compact(CompactArchitecture(num_feat=8, num_conv=4)).eval()
    with torch.no_grad():
        numbers = [number for number in range(5) for _ in range(2 if number == place else 1)]
        for conv, number in zip(long.convs, numbers, strict=True):
            conv.load_state_dict(short.convs[number].state_dict())
        for slopes, number in zip(long.slopes, numbers, strict=False):
            slopes.copy_(short.slopes[number])
        idle = long.convs[place + 1]
        idle.weight.zero_()
        idle.weight[range(8), range(8), 1, 1] = 1
        idle.bias.zero_()
        long.slopes[place].fill_(1)
    return long, short


@pytest.mark.parametrize("place", [1, 2, 3])
def test_a_convolution_that_hands_on_what_it_gets_is_merged_without_a_trace(place: int) -> None:
    long, short = with_one_that_does_nothing(place)
    assert torch.allclose(long(pictures()), short(pictures()), atol=1e-5)
    made = merged(long, 3, pictures())
    assert made.architecture.num_conv == 3
    assert torch.allclose(made(pictures(2)), long(pictures(2)), atol=1e-3)


@torch.no_grad()
def difference(one: Compact, other: Compact) -> float:
    return float((one(pictures(2)) - other(pictures(2))).abs().mean())


def test_the_fewer_stay_the_more_changes_but_less_than_without_the_fit() -> None:
    whole = network(5)
    changes = [difference(merged(whole, kept, pictures()), whole) for kept in (4, 3, 2)]
    assert changes == sorted(changes)
    plain = Compact(CompactArchitecture(num_feat=8, num_conv=4)).eval()
    for conv, theirs in zip(plain.convs, [*whole.convs[:2], *whole.convs[3:]], strict=True):
        conv.load_state_dict(theirs.state_dict())
    assert changes[0] < difference(plain, whole) / 2


def test_the_base_stays_as_it_was() -> None:
    whole = network(3)
    before = whole(pictures())
    for value in merged(whole, 2, pictures()).parameters():
        value.data.zero_()
    assert torch.equal(whole(pictures()), before)


@pytest.mark.parametrize("convolutions", [3, 4])
def test_there_must_be_a_convolution_to_spare(convolutions: int) -> None:
    with pytest.raises(UsageError, match="with 3 convolutions") as caught:
        shortened(network(3), convolutions, pictures())
    assert caught.value.hint
