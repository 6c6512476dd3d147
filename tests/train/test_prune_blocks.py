"""Networks that keep the blocks they can spare least."""

from __future__ import annotations

import pytest
import torch

from texpipe.errors import UsageError
from texpipe.networks.rrdbnet import RRDBNet
from texpipe.networks.srresnet import SRResNet, SRResNetArchitecture
from texpipe.train.prune_blocks import shortened


def network(*strengths: float) -> RRDBNet:
    """A network whose blocks change their maps by as much as `strengths` say."""
    torch.manual_seed(0)
    made = RRDBNet(num_feat=8, num_block=len(strengths), num_grow_ch=4).eval()
    with torch.no_grad():
        for block, strength in zip(made.body, strengths, strict=True):
            for dense in (block.rdb1, block.rdb2, block.rdb3):
                dense.conv5.weight.mul_(10 * strength)
    return made


def pictures() -> torch.Tensor:
    return torch.rand(2, 3, 6, 5, generator=torch.Generator().manual_seed(1))


def test_the_blocks_that_do_most_stay_in_their_order() -> None:
    whole = network(3.0, 0.0, 5.0, 0.1, 4.0)
    short = shortened(whole, 3, pictures())
    assert short.architecture.num_block == len(short.body) == 3
    for kept, number in zip(short.body, (0, 2, 4), strict=True):
        for ours, theirs in zip(kept.parameters(), whole.body[number].parameters(), strict=True):
            assert torch.equal(ours, theirs)


def test_the_base_stays_as_it_was() -> None:
    whole = network(1.0, 2.0, 3.0)
    before = whole(pictures())
    for value in shortened(whole, 2, pictures()).parameters():
        value.data.zero_()
    assert len(whole.body) == 3
    assert torch.equal(whole(pictures()), before)


def test_what_is_written_is_loaded_as_a_network_of_so_many_blocks() -> None:
    short = shortened(network(1.0, 2.0, 3.0), 1, pictures())
    again = RRDBNet.of(short.architecture)
    again.load_state_dict(short.state_dict())
    assert torch.equal(again.eval()(pictures()), short(pictures()))


@pytest.mark.parametrize("blocks", [2, 3])
def test_there_must_be_a_block_to_spare(blocks: int) -> None:
    with pytest.raises(UsageError, match="2 residual blocks") as caught:
        shortened(network(1.0, 1.0), blocks, pictures())
    assert caught.value.hint


def test_other_networks_are_refused() -> None:
    other = SRResNet(SRResNetArchitecture(4, "pixel_shuffle", "zeros", 8, 4))
    with pytest.raises(UsageError, match="no residual blocks"):
        shortened(other, 1, pictures())
