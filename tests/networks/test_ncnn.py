"""ncnn files, against a writer of our own: every byte is read, and nothing else passes for an RRDBNet."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from texpipe.errors import ModelError
from texpipe.networks import checkpoint, ncnn
from texpipe.networks.rrdbnet import RRDBNet


def network(num_block: int = 1) -> RRDBNet:
    torch.manual_seed(0)
    return RRDBNet(num_feat=5, num_block=num_block, num_grow_ch=3).eval().requires_grad_(False)


def has_activation(name: str) -> bool:
    return name not in ("conv_first", "conv_body", "conv_last") and not name.endswith("conv5")


def param_of(state: dict[str, Tensor]) -> str:
    """Write the lines that matter; the wiring between layers is not read."""
    lines = ["Input input 0 1 data"]
    for name in (key.removesuffix(".weight") for key in state if key.endswith(".weight")):
        weight = state[f"{name}.weight"]
        if name.startswith("conv_up"):
            lines.append(f"Interp Resize_{name} 1 1 a b 0=1 1=2.000000e+00 2=2.000000e+00")
        leaky = " 9=2 -23310=1,2.000000e-01" if has_activation(name) else ""
        lines.append(f"Convolution Conv_{name} 1 1 a b 0={len(weight)} 1=3 4=1 5=1 6={weight.numel()}{leaky}")
    return "\n".join(["7767517", f"{len(lines)} 99", *lines]) + "\n"


def bin_of(state: dict[str, Tensor], *, half: bool = True) -> bytes:
    parts = []
    for name, value in state.items():
        if name.endswith(".bias"):
            parts.append(value.numpy().astype("<f4").tobytes())
            continue
        weights = value.numpy().astype("<f2" if half else "<f4").tobytes()
        tag = 0x01306B47 if half else 0
        parts += [tag.to_bytes(4, "little"), weights, bytes(-len(weights) % 4)]
    return b"".join(parts)


@pytest.mark.parametrize("half", [True, False])
@pytest.mark.parametrize("num_block", [1, 2])
@pytest.mark.parametrize("suffix", [".param", ".bin"])
def test_either_half_of_a_pair_loads(tmp_path: Path, half: bool, num_block: int, suffix: str) -> None:
    state = network(num_block).state_dict()
    (tmp_path / "a.param").write_text(param_of(state))
    (tmp_path / "a.bin").write_bytes(bin_of(state, half=half))
    loaded = checkpoint.load(tmp_path / f"a{suffix}")
    assert loaded.network.architecture == network(num_block).architecture
    for name, value in loaded.network.state_dict().items():
        kept = state[name].half().float() if half and name.endswith("weight") else state[name]
        torch.testing.assert_close(value, kept, rtol=0, atol=0)


def test_odd_fp16_weights_are_filled_up_to_four_bytes() -> None:
    """The first kernel has 5 x 3 x 9 = 135 weights of two bytes: the padding is exercised."""
    state = network().state_dict()
    assert state["conv_first.weight"].numel() % 2 == 1
    read = ncnn.read(param_of(state), bin_of(state))
    np.testing.assert_array_equal(read["conv_last.bias"].numpy(), state["conv_last.bias"].numpy())


def test_a_missing_half_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.param").write_text(param_of(network().state_dict()))
    with pytest.raises(ModelError, match=r"a\.bin is missing"):
        checkpoint.load(tmp_path / "a.param")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: data + b"\0\0\0\0", "4 surplus bytes"),
        (lambda data: data[:-4], "ends inside Conv_conv_last"),
        (lambda data: b"", "ends inside Conv_conv_first"),
        (lambda data: b"\x02\xb6\x00\x0d" + data[4:], "tag 0x0d00b602"),
    ],
)
def test_every_byte_must_have_an_owner(change, message: str) -> None:
    state = network().state_dict()
    with pytest.raises(ModelError, match=message):
        ncnn.read(param_of(state), change(bin_of(state)))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("7767517", "7767518", "does not start with ncnn's number"),
        ("24 99", "23 99", "24 layers but declares 23"),
        ("Input input 0 1 data", "PReLU slope 1 1 a b 0=64", "a PReLU after every convolution but the last"),
        ("Interp Resize_conv_up1", "Split split", "no RRDBNet has 21 convolutions and 1 doublings"),
        ("-23310=1,2.000000e-01", "-23310=1,1.000000e-01", "is not a convolution of an RRDBNet"),
        ("1=3", "1=1", "is not a convolution of an RRDBNet"),
        ("6=135", "6=134", "is not a convolution of an RRDBNet"),
        (" 6=135", "", "cannot be read"),
        (" 9=2 -23310=1,2.000000e-01", "", "has no activation"),
    ],
)
def test_other_networks_are_refused(old: str, new: str, message: str) -> None:
    state = network().state_dict()
    text = param_of(state)
    assert old in text
    with pytest.raises(ModelError, match=message):
        ncnn.read(text.replace(old, new, 1), bin_of(state))


def compact_of(state: dict[str, Tensor]) -> tuple[str, bytes]:
    """Write a Compact network as Real-ESRGAN's ncnn models are: convolutions without activation, PReLU between them."""
    lines, data = ["Input input 0 1 data", "Split s 1 2 a b"], b""
    for name in (key.removesuffix(".weight") for key in state if key.endswith(".weight")):
        weight = state[f"{name}.weight"]
        if weight.ndim == 1:
            lines.append(f"PReLU p_{name} 1 1 a b 0={len(weight)}")
            data += weight.numpy().astype("<f4").tobytes()
        else:
            lines.append(f"Convolution c_{name} 1 1 a b 0={len(weight)} 1=3 4=1 5=1 6={weight.numel()}")
            data += bin_of({f"{name}.weight": weight, f"{name}.bias": state[f"{name}.bias"]})
    lines += [
        "PixelShuffle shuffle 1 1 a b 0=4",
        "Interp up 1 1 a b 0=1 1=4.0 2=4.0",
        "BinaryOp add 2 1 a b c 0=0",
    ]
    return "\n".join(["7767517", f"{len(lines)} 99", *lines]) + "\n", data


def compact_state() -> dict[str, Tensor]:
    torch.manual_seed(0)
    shapes = {
        "body.0": (5, 3, 3, 3),
        "body.1": (5,),
        "body.2": (5, 5, 3, 3),
        "body.3": (5,),
        "body.4": (48, 5, 3, 3),
    }
    state: dict[str, Tensor] = {}
    for name, shape in shapes.items():
        state[f"{name}.weight"] = torch.randn(shape).half().float()
        if len(shape) == 4:
            state[f"{name}.bias"] = torch.randn(shape[0])
    return state


def test_compact_networks_are_read_to_the_last_byte() -> None:
    state = compact_state()
    param, data = compact_of(state)
    found = ncnn.read(param, data)
    assert found.keys() == state.keys()
    for name, value in state.items():
        torch.testing.assert_close(found[name].float(), value, rtol=0, atol=0)
    with pytest.raises(ModelError, match="4 surplus bytes"):
        ncnn.read(param, data + bytes(4))
    with pytest.raises(ModelError, match=r"ends inside c_body\.4"):
        ncnn.read(param, data[:-8])
    with pytest.raises(ModelError, match="no layers of the type LSTM"):
        ncnn.read(param.replace("PixelShuffle", "LSTM"), data)
