"""Networks of other architectures: recognised, the same as spandrel's own, with borders as their class promises."""

from __future__ import annotations

import math
import os
import sys
import warnings
from pathlib import Path
from types import ModuleType

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor
from zoo import ZOO, descriptor_of, needs_spandrel, weights

from texpipe.errors import ModelError
from texpipe.networks import borders, bridge, catalogue, certificate, foreign_facts, spandrel_package
from texpipe.networks.bridge import ForeignNetwork
from texpipe.networks.foreign_facts import Borders, ForeignFacts
from texpipe.networks.identify import identified
from texpipe.networks.open_model import open_foreign
from texpipe.texture import Axes

pytestmark = [needs_spandrel(), pytest.mark.usefixtures("one_thread")]

BOTH = Axes(True, True)
NEITHER = Axes()


def built(name: str) -> ForeignNetwork:
    return bridge.build(weights(name))


def difference(one: Tensor, other: Tensor) -> float:
    """Largest difference as a share of the spread of the values."""
    return float((one - other).abs().max() / other.std())


@pytest.mark.parametrize("name", ZOO)
@torch.inference_mode()
def test_with_clamped_edges_a_saved_network_gives_what_spandrel_gives(name: str, tmp_path: Path) -> None:
    torch.save({"params_ema": weights(name)}, tmp_path / "a.pth")
    loaded = open_foreign(tmp_path / "a.pth")
    assert loaded.scale == ZOO[name].scale
    descriptor = descriptor_of(name)
    for height, width in ((48, 40), (41, 47)):
        x = certificate.picture(height, width)
        found = borders.run(loaded, x, NEITHER, Borders(1)).clamp(0, 1)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            expected = descriptor(x.clone())
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", ZOO)
@torch.inference_mode()
def test_each_architecture_is_certified_as_its_class_and_keeps_what_that_promises(name: str) -> None:
    one, multiple = built(name), ZOO[name].multiple
    found = certificate.certify(one)
    assert found.multiple == multiple
    assert (found.levels > 0) == (multiple is None)
    if multiple is None or multiple > 16:  # the certificate itself has rolled pictures of such sizes
        return
    side = math.lcm(multiple, 12)
    x = certificate.picture(side, side)
    once = borders.run(one, x, BOTH, found)
    for down, across in ((multiple, 0), (0, 3 * multiple), (multiple, multiple)):
        rolled = borders.run(one, x.roll((down, across), (2, 3)), BOTH, found)
        expected = once.roll((down * one.scale, across * one.scale), (2, 3))
        assert difference(rolled, expected) < certificate.TOLERANCE


@pytest.mark.parametrize("name", [name for name, kind in ZOO.items() if kind.multiple and kind.multiple <= 8])
@torch.inference_mode()
def test_a_wrapped_result_is_the_middle_of_a_plane_of_copies(name: str) -> None:
    """Not only periodic, but what the network makes of many copies, where it cannot see the borders any more."""
    if name.startswith(("RCAN", "NAFNet", "SAFMN", "FDAT", "DITN", "RealPLKSR")):
        pytest.skip("its statistics are of the whole picture")
    one, side = built(name), 16
    x = certificate.picture(side, side)
    copies = one.network(x.repeat(1, 1, 7, 7), NEITHER)
    at = slice(3 * side * one.scale, 4 * side * one.scale)
    wrapped = borders.run(one, x, BOTH, Borders(ZOO[name].multiple))
    assert difference(wrapped, copies[:, :, at, at]) < certificate.TOLERANCE


@pytest.mark.parametrize("name", ["SPAN", "SwinIR", "DAT", "HAT", "SCUNet", "CRAFT"])
@torch.inference_mode()
def test_one_axis_wraps_without_the_other(name: str) -> None:
    one, multiple = built(name), ZOO[name].multiple
    x = certificate.picture(64, 64)
    for axes, dimension in ((Axes(True, False), 3), (Axes(False, True), 2)):
        once = borders.run(one, x, axes, Borders(multiple))
        rolled = borders.run(one, x.roll(multiple or 0, dimension), axes, Borders(multiple))
        assert difference(rolled, once.roll((multiple or 0) * one.scale, dimension)) < certificate.TOLERANCE
        assert difference(once, borders.run(one, x, BOTH, Borders(multiple))) > certificate.TOLERANCE


@pytest.mark.parametrize("size", [(1, 1), (3, 7), (12, 20)])
@pytest.mark.parametrize("name", ["Compact", "RealPLKSR", "SAFMN", "SwinIR", "OmniSR"])
@torch.inference_mode()
def test_pictures_of_any_size_are_taken(name: str, size: tuple[int, int]) -> None:
    one, kind = built(name), ZOO[name]
    for axes in (NEITHER, BOTH, Axes(True, False)):
        out = borders.run(one, certificate.picture(*size), axes, Borders(kind.multiple))
        assert out.shape == (1, 3, size[0] * kind.scale, size[1] * kind.scale)
        assert torch.isfinite(out).all()


@torch.inference_mode()
def test_a_side_that_is_no_multiple_is_repeated_until_it_is_one() -> None:
    """12 texels are 24 for windows of 8, and lie in two ways to them: the mean of both is periodic."""
    one = built("SwinIR")
    x = certificate.picture(12, 20)
    once = borders.run(one, x, BOTH, Borders(8))
    for down, across in ((4, 0), (0, 4), (8, 4)):
        rolled = borders.run(one, x.roll((down, across), (2, 3)), BOTH, Borders(8))
        assert difference(rolled, once.roll((2 * down, 2 * across), (2, 3))) < certificate.TOLERANCE


@torch.inference_mode()
def test_what_fails_its_class_falls_back_to_the_next() -> None:
    """A network that knows where it is in the picture passes no class."""
    one = built("Compact")
    called = one.network.network
    usual = called.forward

    def forward(x: Tensor) -> Tensor:
        return usual(x + 0.05 * torch.linspace(0, 1, x.shape[3]))

    called.forward = forward  # type: ignore[method-assign]
    found = certificate.certify(one)
    assert found.multiple is None
    assert str(found) == f"borders approximate ({found.levels:g} levels)"


def test_a_certificate_says_what_it_is() -> None:
    assert str(Borders(1)) == "borders exact"
    assert str(Borders(16)) == "borders exact at multiples of 16"


def test_facts_are_measured_once_and_survive_a_damaged_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    save_file(weights("RealPLKSR"), tmp_path / "a.safetensors")
    file = catalogue.resolve(str(tmp_path / "a.safetensors"))
    assert file.foreign
    found = identified(file)
    count = sum(value.numel() for value in weights("RealPLKSR").values())
    assert found.facts == ForeignFacts("RealPLKSR", 4, count, Borders(1))
    assert found.weights != file.weights
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(certificate, "certify", lambda _: pytest.fail("measured twice"))
        assert identified(file).facts == found.facts
    (kept,) = (tmp_path / "texpipe" / "models").iterdir()
    for damage in (b"", b"{}", b'{"borders": {"multiple": 0, "levels": 0}}', b"[]"):
        kept.write_bytes(damage)
        assert foreign_facts.kept(file.sha256) is None
    assert identified(file).facts == found.facts


def test_an_esrgan_and_a_compact_are_none_of_these(tiny_model: Path, tmp_path: Path) -> None:
    torch.save(weights("Compact"), tmp_path / "a.pth")
    for path in (tiny_model, tmp_path / "a.pth"):
        file = catalogue.resolve(str(path))
        assert not file.foreign
        assert identified(file) is file


def test_without_the_package_the_error_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.save(weights("SPAN"), tmp_path / "a.pth")
    monkeypatch.setattr(spandrel_package, "spandrel_version", lambda: None)
    with pytest.raises(ModelError, match="need the package spandrel") as refused:
        open_foreign(tmp_path / "a.pth")
    assert "texpipe[models]" in (refused.value.hint or "")


def test_torchvision_is_not_imported_and_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    """A broken one does not matter, and whoever has a good one still has it afterwards."""
    own = ModuleType("torchvision")
    monkeypatch.setitem(sys.modules, "torchvision", own)
    for name in [name for name in sys.modules if name.split(".")[0] == "spandrel"]:
        monkeypatch.delitem(sys.modules, name)
    spandrel = spandrel_package.import_spandrel()
    assert hasattr(spandrel, "ModelLoader")
    assert sys.modules["torchvision"] is own
    assert "torchvision.transforms" not in sys.modules


class _Command:
    def __reduce__(self) -> tuple[object, ...]:
        return os.system, ("touch trapped",)


def refusal(tmp_path: Path, state: object) -> ModelError:
    torch.save(state, tmp_path / "a.pth")
    with pytest.raises(ModelError) as refused:
        open_foreign(tmp_path / "a.pth")
    assert str(refused.value).startswith(str(tmp_path / "a.pth"))
    assert refused.value.hint
    return refused.value


def test_refusals_name_what_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    state = weights("Compact")
    assert "could run code" in refusal(tmp_path, state | {"trap": _Command()}).message
    assert not (tmp_path / "trapped").exists()
    assert "no architecture" in refusal(tmp_path, {"some.weight": torch.zeros(3)}).message
    poisoned = state | {"body.0.bias": torch.full((8,), torch.nan)}
    assert refusal(tmp_path, poisoned).message == "not all finite numbers: body.0.bias"
    lacking = {name: value for name, value in state.items() if name != "body.2.bias"}
    assert "fit no network" in refusal(tmp_path, lacking).message
    vast = state | {"body.0.weight": torch.zeros(1).expand(1 << 20, 3, 3, 3)}
    assert "claims" in refusal(tmp_path, vast).message
    grey = weights("DnCNN") | {
        "model.0.weight": torch.zeros(8, 1, 3, 3),
        "model.14.weight": torch.zeros(1, 8, 3, 3),
        "model.14.bias": torch.zeros(1),
    }
    assert refusal(tmp_path, grey).message.startswith("the model turns 1 channels into 1")
