"""Model files: three key layouts in and one out, the same bytes every time, and clear refusals."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections import OrderedDict
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from texpipe.errors import ModelError
from texpipe.networks import checkpoint, state_dict_names
from texpipe.networks.rrdbnet import Architecture, RRDBNet

State = dict[str, Tensor]


def network(seed: int = 0, **size: int) -> RRDBNet:
    torch.manual_seed(seed)
    return RRDBNet(**{"num_feat": 8, "num_block": 2, "num_grow_ch": 4, **size}).eval().requires_grad_(False)


def as_rewrite(state: State) -> State:
    """Rename to the layout of ESRGAN's rewrite."""
    names = {"conv_body": "trunk_conv", "conv_up1": "upconv1", "conv_up2": "upconv2", "conv_hr": "HRconv"}

    def renamed(name: str) -> str:
        name = re.sub(r"^body\.(\d+)\.rdb", r"RRDB_trunk.\1.RDB", name)
        stem, kind = name.rsplit(".", 1)
        return f"{names.get(stem, stem)}.{kind}"

    return {renamed(name): value for name, value in state.items()}


def as_first_release(state: State, blocks: int = 2, stages: int = 2) -> State:
    """Rename to the layout of the first ESRGAN release: places in a sequence, activations and all."""
    names = {"conv_first": "model.0", "conv_body": f"model.1.sub.{blocks}"}
    names |= {f"conv_up{stage}": f"model.{3 * stage}" for stage in range(1, stages + 1)}
    names |= {"conv_hr": f"model.{3 * stages + 2}", "conv_last": f"model.{3 * stages + 4}"}

    def renamed(name: str) -> str:
        stem, kind = name.rsplit(".", 1)
        if stem in names:
            return f"{names[stem]}.{kind}"
        return re.sub(r"^body\.(\d+)\.rdb(.*)$", r"model.1.sub.\1.RDB\2.0", stem) + f".{kind}"

    return {renamed(name): value for name, value in state.items()}


def assert_same(state: State, expected: State) -> None:
    assert state.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(state[name], value, rtol=0, atol=0)


LAYOUTS = {"real-esrgan": dict, "rewrite": as_rewrite, "first release": as_first_release}
WRAPPINGS = {
    "bare": lambda state: state,
    "params": lambda state: {"params": state},
    "ema": lambda state: {"params": {name: value * 0 for name, value in state.items()}, "params_ema": state},
    "parallel": lambda state: OrderedDict((f"module.{name}", value) for name, value in state.items()),
    "both": lambda state: {"params_ema": {f"module.{name}": value for name, value in state.items()}},
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("wrapping", WRAPPINGS)
def test_pth_in_every_layout_and_wrapping(tmp_path: Path, layout: str, wrapping: str) -> None:
    expected = network().state_dict()
    torch.save(WRAPPINGS[wrapping](LAYOUTS[layout](expected)), tmp_path / "a.pth")
    loaded = checkpoint.load(tmp_path / "a.pth")
    assert_same(loaded.network.state_dict(), expected)
    assert not loaded.network.training
    assert loaded.sha256 == hashlib.sha256((tmp_path / "a.pth").read_bytes()).hexdigest()


@pytest.mark.parametrize("stages", [0, 1, 3])
def test_first_release_of_other_factors(stages: int) -> None:
    made = network(scale=2**stages, unshuffle=1)
    state = state_dict_names.to_own_names(as_first_release(made.state_dict(), stages=stages))
    assert_same(state_dict_names.build(state).state_dict(), made.state_dict())


@pytest.mark.parametrize(
    "architecture",
    [
        Architecture(3, 3, 4, 8, 1, 4, 1),
        Architecture(3, 3, 2, 12, 3, 6, 2),
        Architecture(3, 3, 1, 8, 2, 8, 4),
        Architecture(3, 3, 2, 8, 1, 4, 1),
        Architecture(3, 3, 16, 8, 1, 4, 1),
        Architecture(4, 4, 4, 8, 1, 4, 1),
    ],
)
def test_architecture_is_read_off_the_shapes(architecture: Architecture) -> None:
    assert state_dict_names.infer(RRDBNet.of(architecture).state_dict()) == architecture


def test_real_esrgan_folds_the_input_for_small_factors() -> None:
    assert [RRDBNet(scale=s, num_block=1).architecture.unshuffle for s in (1, 2, 4, 8)] == [4, 2, 1, 1]
    assert network(scale=2).conv_first.weight.shape[1] == 12
    assert network(scale=1).conv_first.weight.shape[1] == 48


def test_safetensors_round_trip_in_fp16_with_notes(tmp_path: Path) -> None:
    made = network()
    notes = {"licence": "MIT", "author": "zoë", "b": "2", "a": "1"}
    sha256 = checkpoint.save_safetensors(tmp_path / "a.safetensors", made.state_dict(), notes)
    loaded = checkpoint.load(tmp_path / "a.safetensors")
    assert loaded.metadata == notes
    assert loaded.sha256 == sha256 == hashlib.sha256((tmp_path / "a.safetensors").read_bytes()).hexdigest()
    assert_same(loaded.network.state_dict(), {n: v.half().float() for n, v in made.state_dict().items()})


def test_the_same_weights_give_the_same_bytes(tmp_path: Path) -> None:
    """The safetensors library writes notes in an order that changes from call to call."""
    state = network().state_dict()
    notes = {letter: letter for letter in "hgfedcba"}
    shuffled = dict(reversed(state.items())), dict(reversed(notes.items()))
    files = [tmp_path / f"{n}.safetensors" for n in range(4)]
    for n, file in enumerate(files):
        checkpoint.save_safetensors(file, *(shuffled if n % 2 else (state, notes)))
    assert len({file.read_bytes() for file in files}) == 1
    header = files[0].read_bytes()
    assert int.from_bytes(header[:8], "little") % 8 == 0
    assert list(json.loads(header[8 : 8 + int.from_bytes(header[:8], "little")])["__metadata__"]) == sorted(
        notes
    )


class _Trap:
    def __reduce__(self) -> tuple[object, ...]:
        return Path.write_text, (Path("trapped"), "code ran")


def test_a_pickle_with_code_is_refused_and_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"params": _Trap()}, "a.pth")
    with pytest.raises(ModelError, match="could run code") as refused:
        checkpoint.load(Path("a.pth"))
    assert "safetensors" in (refused.value.hint or "")
    assert not Path("trapped").exists()


class _Harmless:
    """Anything that is not weights, such as the settings of a training."""


class _Copy:
    def __reduce__(self) -> tuple[object, ...]:
        return shutil.copyfile, ("a.pth", "trapped")


def test_trust_reads_weights_and_runs_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    state = network().state_dict()
    torch.save({"params": state, "settings": _Harmless(), "trap": _Copy()}, "a.pth")
    with pytest.raises(ModelError, match="could run code") as refused:
        checkpoint.load(Path("a.pth"))
    assert "models convert --trust" in (refused.value.hint or "")
    assert_same(checkpoint.load(Path("a.pth"), trust=True).network.state_dict(), state)
    assert not Path("trapped").exists()
    with pytest.raises(ModelError):  # it was for that file alone
        checkpoint.load(Path("a.pth"))


class _Command:
    def __reduce__(self) -> tuple[object, ...]:
        return os.system, ("touch trapped",)


@pytest.mark.parametrize("trap", [_Command, _Trap])
def test_trust_has_limits(trap: type, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The operating system's module, and methods that are looked up, are refused even so."""
    monkeypatch.chdir(tmp_path)
    torch.save({"params": network().state_dict(), "trap": trap()}, "a.pth")
    with pytest.raises(ModelError, match="could run code"):
        checkpoint.load(Path("a.pth"), trust=True)
    assert not Path("trapped").exists()


def refusal(tmp_path: Path, state: object) -> str:
    torch.save(state, tmp_path / "a.pth")
    with pytest.raises(ModelError) as refused:
        checkpoint.load(tmp_path / "a.pth")
    assert str(refused.value).startswith(f"{tmp_path / 'a.pth'}: ")
    assert refused.value.hint
    return refused.value.message


def test_refusals_name_what_is_wrong(tmp_path: Path) -> None:
    state = network().state_dict()
    lacking = {name: value for name, value in state.items() if name != "body.1.rdb2.conv3.bias"}
    assert refusal(tmp_path, lacking) == "missing weights: body.1.rdb2.conv3.bias"
    foreign = state | {"body.0.rdb1.conv1x1.weight": torch.zeros(4, 8, 1, 1)}
    assert refusal(tmp_path, foreign) == "not part of an RRDBNet: body.0.rdb1.conv1x1.weight"
    misshapen = state | {"conv_hr.weight": torch.zeros(8, 8, 1, 1)}
    assert refusal(tmp_path, misshapen) == "wrong shape: conv_hr.weight"
    poisoned = state | {"conv_hr.bias": torch.full((8,), torch.nan)}
    assert refusal(tmp_path, poisoned) == "not all finite numbers: conv_hr.bias"
    whole = state | {"conv_hr.bias": torch.zeros(8, dtype=torch.int32)}
    assert refusal(tmp_path, whole) == "not all finite numbers: conv_hr.bias"
    deep = state | {"body.99999999.rdb1.conv1.weight": torch.zeros(1)}
    assert "100000000 blocks" in refusal(tmp_path, deep)
    assert "not an ESRGAN generator" in refusal(tmp_path, {"body.0.weight": torch.zeros(64, 3, 3, 3)})
    assert "besides weights the file holds iter" in refusal(tmp_path, state | {"iter": 5})
    assert "no named weights" in refusal(tmp_path, [1, 2])
    assert "no named weights" in refusal(tmp_path, {"params": {}})
    assert "4 channels into 4" in refusal(tmp_path, network(num_in_ch=4, num_out_ch=4).state_dict())


@pytest.mark.parametrize("suffix", [".safetensors", ".pth", ".pt"])
@pytest.mark.parametrize("content", [b"", b"not a model", b"\xff" * 64, b"PK\x03\x04 cut off"])
def test_damaged_files_are_refused(tmp_path: Path, suffix: str, content: bytes) -> None:
    file = tmp_path / f"a{suffix}"
    file.write_bytes(content)
    with pytest.raises(ModelError) as refused:
        checkpoint.load(file)
    assert refused.value.hint


def test_a_cut_safetensors_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "a.safetensors"
    checkpoint.save_safetensors(file, network().state_dict(), {})
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(ModelError, match="not a complete safetensors file"):
        checkpoint.load(file)


def test_missing_and_foreign_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=re.escape("none.safetensors is missing")):
        checkpoint.load(tmp_path / "none.safetensors")
    with pytest.raises(ModelError, match=re.escape("a.png is not a model file")):
        checkpoint.load(tmp_path / "a.png")


@pytest.mark.parametrize("value", [1e6, float("nan")])
def test_weights_beyond_fp16_are_not_written(tmp_path: Path, value: float) -> None:
    state = network().state_dict() | {"conv_hr.bias": torch.full((8,), value)}
    with pytest.raises(ModelError, match=r"conv_hr\.bias"):
        checkpoint.save_safetensors(tmp_path / "a.safetensors", state, {})
    assert not list(tmp_path.iterdir())


def test_files_of_fp32_safetensors_load(tmp_path: Path) -> None:
    state = network().state_dict()
    save_file(state, tmp_path / "a.safetensors")
    loaded = checkpoint.load(tmp_path / "a.safetensors")
    assert_same(loaded.network.state_dict(), state)
    assert loaded.metadata == {}


def test_interpolation_is_the_weighted_mean() -> None:
    a, b = network(1), network(2)
    assert_same(checkpoint.interpolate(a, b, 0).state_dict(), a.state_dict())
    assert_same(checkpoint.interpolate(a, b, 1).state_dict(), b.state_dict())
    mixed = checkpoint.interpolate(a, b, 0.25).state_dict()
    for name, value in mixed.items():
        expected = 0.75 * a.state_dict()[name] + 0.25 * b.state_dict()[name]
        torch.testing.assert_close(value, expected)


def test_interpolation_needs_one_architecture() -> None:
    with pytest.raises(ModelError, match=r"networks differ: num_block \d+ and 1$"):
        checkpoint.interpolate(network(), network(num_block=1), 0.5)


def test_similarity_tells_kin_from_strangers() -> None:
    a = network(1)
    kin = state_dict_names.build({name: value + 1e-3 for name, value in a.state_dict().items()})
    assert checkpoint.similarity(a, kin) > 0.9
    assert abs(checkpoint.similarity(a, network(2))) < 0.2
