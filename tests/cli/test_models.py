"""`texpipe models`: what goes to stdout, what to stderr, and the exit codes."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from pathlib import Path

import numpy as np
import pytest
import torch

from texpipe.cli import texpipe
from texpipe.cli.console import exit_code_of
from texpipe.networks import checkpoint, overviews
from texpipe.networks.convert import interpolate
from texpipe.networks.export import export_onnx
from texpipe.networks.rrdbnet import RRDBNet


@pytest.fixture(autouse=True)
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A models folder with `a`, its kin `b` and the stranger `c`."""
    monkeypatch.setenv("TEXPIPE_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    state = network(1).state_dict()
    kin = {name: value + 1e-3 for name, value in state.items()}
    for name, weights, licence in (
        ("a", state, "MIT"),
        ("b", kin, "CC0-1.0"),
        ("c", network(2).state_dict(), "MIT"),
    ):
        checkpoint.save_safetensors(
            tmp_path / "models" / f"{name}.safetensors", weights, {"licence": licence}
        )
    return tmp_path / "models"


def network(seed: int, **size: int) -> RRDBNet:
    torch.manual_seed(seed)
    return RRDBNet(**{"num_feat": 8, "num_block": 1, "num_grow_ch": 4, **size}).eval().requires_grad_(False)


def run(*arguments: object) -> int:
    return exit_code_of(texpipe, ["models", *map(str, arguments)])


def test_a_model_that_is_not_installed_is_listed_with_the_command_that_downloads_it(
    capsys: pytest.CaptureFixture[str], models: Path
) -> None:
    assert run("list", "--json") == 0
    entries = {entry["name"]: entry for entry in json.loads(capsys.readouterr().out)}
    assert entries["a"]["path"] == str(models / "a.safetensors")
    assert entries["realsr-df2k-x4"] == {
        "name": "realsr-df2k-x4",
        "path": None,
        "licence": "Apache-2.0",
        "summary": "RealSR for processing noise: an RRDBNet of 23 blocks.",
    }
    assert run("list") == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert "texpipe models fetch realsr-df2k-x4" in err


def test_show_omits_neither_network_nor_licence(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("show", "a", "--json") == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["licence"] == "MIT"
    assert (shown["architecture"]["type"], shown["architecture"]["num_block"]) == ("RRDBNet", 1)
    assert run("show", "a") == 0
    assert f"sha256 {shown['sha256']}, licence MIT" in capsys.readouterr().err


def test_a_missing_model_ends_with_code_4_and_the_command_that_downloads_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run("convert", "realsr-df2k-x4", "out.safetensors") == 4
    out, err = capsys.readouterr()
    assert out == ""
    assert err.endswith("texpipe models fetch realsr-df2k-x4\n")
    assert run("fetch", "nothing-of-the-kind") == 4


def test_the_licence_of_a_public_model_is_told_before_its_download(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run("show", "realsr-df2k-x4") == 0
    assert "licence Apache-2.0" in capsys.readouterr().err
    assert run("show", "realsr-df2k-x4", "--json") == 0
    assert json.loads(capsys.readouterr().out)["licence"] == "Apache-2.0"


def test_convert_changes_no_weight_and_refuses_other_suffixes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = network(3).state_dict()
    torch.save({"params_ema": state}, tmp_path / "net.pth")
    assert run("convert", tmp_path / "net.pth", tmp_path / "net.safetensors") == 0
    loaded = checkpoint.load(tmp_path / "net.safetensors")
    for name, value in loaded.network.state_dict().items():
        torch.testing.assert_close(value, state[name].half().float(), rtol=0, atol=0)
    assert loaded.metadata["converted_from"].startswith("net.pth (sha256 ")
    assert loaded.sha256 in capsys.readouterr().err
    assert run("convert", tmp_path / "net.pth", tmp_path / "net.pth") == 2
    assert run("convert", "-q", "a", tmp_path / "a.safetensors") == 0
    assert capsys.readouterr().err.count("\n") == 2, "only the refusal's two lines"


def test_a_pth_with_other_objects_is_converted_only_with_trust(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.save({"params": network(3).state_dict(), "options": Namespace(steps=7)}, tmp_path / "net.pth")
    assert run("convert", tmp_path / "net.pth", tmp_path / "net.safetensors") == 4
    assert "--trust" in capsys.readouterr().err
    assert run("convert", "--trust", tmp_path / "net.pth", tmp_path / "net.safetensors") == 0


@pytest.mark.parametrize(
    ("licence", "warned"),
    [
        ("CC-BY-NC-4.0", True),
        ("CC-BY-NC-SA-4.0 AND MIT", True),
        ("for non-commercial use", True),
        ("MIT", False),
        ("NCSA", False),
        (None, False),
    ],
)
def test_show_warns_only_of_licences_that_forbid_commercial_use(
    licence: str | None, warned: bool, models: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    notes = {} if licence is None else {"licence": licence}
    checkpoint.save_safetensors(models / "d.safetensors", network(4).state_dict(), notes)
    assert run("show", "d") == 0
    assert ("forbids commercial use" in capsys.readouterr().err) is warned


def test_interpolate_keeps_both_licences_and_does_not_warn_of_related_models(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "mix.safetensors"
    assert run("interpolate", "a", "b", "0.5", "--output", target) == 0
    assert "trained apart" not in capsys.readouterr().err
    a, b, mix = (checkpoint.load(p).network.conv_hr.bias for p in (*_pair(tmp_path), target))
    torch.testing.assert_close(mix, (a + b) / 2, rtol=2e-3, atol=1e-5)
    notes = checkpoint.load(target).metadata
    assert notes["blend_a"].startswith("0.5 a (sha256 ")
    assert notes["licence"] == "CC0-1.0 AND MIT"


def _pair(tmp_path: Path) -> tuple[Path, Path]:
    return tmp_path / "models" / "a.safetensors", tmp_path / "models" / "b.safetensors"


def test_interpolate_warns_of_models_trained_apart(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("interpolate", "a", "c", "0.5", "--output", tmp_path / "mix.safetensors") == 0
    assert "were trained apart" in capsys.readouterr().err
    assert interpolate("a", "c", 0, tmp_path / "mix.safetensors").similarity < 0.5


def test_interpolate_refuses_shares_above_one_and_other_networks(tmp_path: Path) -> None:
    assert run("interpolate", "a", "b", "1.5", "--output", tmp_path / "mix.safetensors") == 2
    assert run("interpolate", "a", "texpipe-x4-fast", "1", "-o", tmp_path / "mix.safetensors") == 4


def test_export_without_onnx_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    assert run("export", "a", "--onnx", tmp_path / "a.onnx") == 4
    assert capsys.readouterr().err.endswith("python -m pip install onnx\n")


@pytest.mark.parametrize("size", [{"scale": 4}, {"scale": 2}, {"scale": 1}, {"scale": 2, "unshuffle": 1}])
def test_the_exported_graph_differs_in_no_result(tmp_path: Path, size: dict[str, int]) -> None:
    pytest.importorskip("onnx")
    runtime = pytest.importorskip("onnxruntime")
    net = network(4, **size)
    export_onnx(net, tmp_path / "a.onnx")
    session = runtime.InferenceSession(str(tmp_path / "a.onnx"), providers=["CPUExecutionProvider"])
    for shape in ((1, 3, 8, 4), (2, 3, 4, 4)):
        maps = torch.rand(shape, generator=torch.Generator().manual_seed(5))
        np.testing.assert_allclose(
            session.run(None, {"input": maps.numpy()})[0], net(maps).numpy(), atol=1e-4
        )


def test_a_model_that_is_added_is_listed_with_what_was_measured(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("texpipe.cli.model_facts.SECONDS", 0.0)
    torch.save(network(5, scale=2).state_dict(), tmp_path / "2x_Some.pth")
    assert run("add", tmp_path / "2x_Some.pth", "--name", "some") == 0
    said = capsys.readouterr()
    assert "RRDBNet, 2x, borders exact, " in said.err
    assert "textures of 32x32 a second here" in said.err
    assert run("list", "--json") == 0
    entries = {entry["name"]: entry for entry in json.loads(capsys.readouterr().out)}
    some = entries["some"]
    assert (some["architecture"], some["scale"], some["borders"]) == ("RRDBNet", 2, "borders exact")
    assert some["textures_per_second"] > 0
    assert "architecture" not in entries["a"]  # nobody has loaded it yet
    assert run("list") == 0
    assert "RRDBNet, 2x, borders exact, " in capsys.readouterr().err
    assert run("show", "some") == 0
    assert "a second here" in capsys.readouterr().err


def test_measuring_tells_of_every_model_and_goes_on_after_a_broken_one(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("texpipe.cli.model_facts.SECONDS", 0.0)
    monkeypatch.setattr("texpipe.networks.catalogue.search_path", lambda: (models,))
    (models / "torn.safetensors").write_bytes(b"no model")
    assert run("list", "--measure", "--json") == 0
    entries = {entry["name"]: entry for entry in json.loads(capsys.readouterr().out)}
    assert [entries[name]["scale"] for name in "abc"] == [4, 4, 4]
    assert entries["torn"]["architecture"] is None
    assert run("list") == 0
    assert "cannot be used: " not in capsys.readouterr().err.split("torn")[0]
    with monkeypatch.context() as patch:
        patch.setattr("texpipe.cli.model_facts._measured", lambda *_: pytest.fail("measured twice"))
        for name in "abc":
            from texpipe.cli.model_facts import facts_of

            assert facts_of(models / f"{name}.safetensors", measure=True).scale == 4


@pytest.mark.parametrize(
    "damage", [b"", b"{}", b"[]", b'{"architecture": 1, "scale": 2, "borders": "x"}', b"\xff"]
)
def test_a_damaged_note_about_a_model_counts_as_none(
    damage: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    known = overviews.Overview("SPAN", 2, "borders exact").with_speed("cpu", 3.0)
    overviews.keep("0" * 64, known)
    assert overviews.kept("0" * 64) == known
    (file,) = (tmp_path / "texpipe" / "models").iterdir()
    file.write_bytes(damage)
    assert overviews.kept("0" * 64) is None
