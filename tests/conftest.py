"""Fixtures that many tests share: a tiny network, a small dump, the real command line."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from texpipe.networks.checkpoint import save_safetensors
from texpipe.networks.rrdbnet import RRDBNet
from texpipe.pixels import encode_png

GAME = "THE LEGEND OF ZELDA"


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A 4x RRDBNet small enough that a test never waits for it; its weights are random."""
    torch.manual_seed(7)
    network = RRDBNet(num_feat=8, num_block=1, num_grow_ch=4)
    path = tmp_path_factory.mktemp("models") / "tiny.safetensors"
    save_safetensors(path, network.state_dict(), {"licence": "MIT"})
    return path


def texture(seed: int, size: tuple[int, int] = (8, 8), alpha: str = "opaque") -> np.ndarray:
    """A seeded texture, H x W x 4 uint8: soft blobs of colour, and holes when `alpha` is "binary"."""
    width, height = size
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    phase, tilt = rng.uniform(0, 6, (3, 1, 1)), rng.uniform(0.3, 1.2, (3, 1, 1))
    rgb = (127 + 100 * np.sin(phase + tilt * x + tilt[::-1] * y)).transpose(1, 2, 0)
    mask = np.full((height, width), 255) if alpha == "opaque" else np.where((x + y) % 5 < 3, 255, 0)
    return np.dstack([rgb, mask]).astype(np.uint8)


def dump(folder: Path, count: int, size: tuple[int, int] = (8, 8)) -> list[str]:
    """Write `count` different textures under GLideN64 names; every fourth has 1-bit alpha."""
    folder.mkdir(parents=True, exist_ok=True)
    names = [f"{GAME}#{0x1000 + number:08X}#0#2_all.png" for number in range(count)]
    for number, name in enumerate(names):
        kind = "binary" if number % 4 == 3 else "opaque"
        (folder / name).write_bytes(encode_png(texture(number, size, kind)))
    return names


def write_recipe(folder: Path, extra: str = "") -> Path:
    """Write a recipe for the dump in `folder`/dump."""
    path = folder / "recipe.yaml"
    path.write_text(
        f"version: 1\nname: test\ngame: {GAME}\ninput: dump\noutput: out\ntargets: [gliden64]\n{extra}", "utf-8"
    )
    return path


@pytest.fixture
def texpipe() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the real command line in a process of its own."""

    def call(*arguments: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "texpipe", *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)

    return call


def tree(folder: Path, leave_out: tuple[str, ...] = ("run.json",)) -> dict[str, bytes]:
    """Return every file below a folder by relative path, but those that may differ between runs."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in leave_out
    }
