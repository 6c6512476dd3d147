"""What damaged and hostile files do to texpipe's readers: crashes, hangs, memory, files where none belong.

Sound files are mutated (bits flipped, bytes set to extremes, pieces cut out, doubled, truncated) by a seeded
generator and read in a child process. A reader may accept a mutant or refuse it with one of texpipe's errors;
anything else is a finding.

    python benchmarks/hostile.py --count 10000 --output hostile.json
"""

from __future__ import annotations

import argparse
import io
import json
import multiprocessing
import random
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TypeAlias

import numpy as np
from PIL import Image

from texpipe.errors import TexpipeError
from texpipe.formats import gliden64_cache
from texpipe.formats.gliden64_cache import CacheEntry
from texpipe.manifest import (
    Entry,
    Manifest,
    ModelId,
    Output,
    RecipeId,
    read_manifest,
    summarise,
    write_manifest,
)
from texpipe.pixels import decode
from texpipe.recipe.load import load_recipe
from texpipe.texture import Edges, Rgba8

SECONDS, MEGABYTES = 2.0, 1024
"""The most that one file may cost."""
STALLED = 60.0
"""Seconds without news after which a child counts as hung and is killed; starting one takes some."""
EXTREMES = (0, 1, 0x7F, 0x80, 0xFE, 0xFF)

Read: TypeAlias = Callable[[Path], object]


@dataclass(frozen=True)
class Target:
    """A reader, and sound files to make mutants of, by their names."""

    name: str
    seeds: tuple[tuple[str, bytes], ...]
    read: Read


@dataclass(frozen=True)
class Case:
    """What became of one mutant; `outcome` is read, refused, or a finding; seconds are of processor time."""

    target: str
    number: int
    outcome: str
    seconds: float
    megabytes: float

    @property
    def is_finding(self) -> bool:
        """Whether this must not happen."""
        sound = self.outcome in {"read", "refused"}
        return not sound or self.seconds > SECONDS or self.megabytes > MEGABYTES


def targets(folder: Path) -> tuple[Target, ...]:
    """Make the readers' sound files, with the help of `folder`."""
    return (
        Target("image", tuple(_images()), _read_image),
        Target("cache", tuple(_caches(folder)), gliden64_cache.read_cache),
        Target("recipe", tuple(_recipes()), load_recipe),
        Target("manifest", tuple(_manifests(folder)), read_manifest),
        Target("weights", tuple(_weights(folder)), _load_weights),
    )


def mutate(data: bytes, rng: random.Random) -> bytes:
    """Return the data with one to four random damages."""
    for _ in range(rng.randint(1, 4)):
        data = rng.choice((_flip, _extreme, _cut, _double, _truncate))(data, rng)
    return data


def write_mutant(target: Target, number: int, seed: int, folder: Path) -> Path:
    """Write the mutant of this number into a folder; the same number and seed give the same bytes."""
    rng = random.Random(f"{seed} {target.name} {number}")
    name, data = rng.choice(target.seeds)
    (folder / name).write_bytes(mutate(data, rng))
    return folder / name


def outcome_of(read: Read, path: Path) -> str:
    """Read a file: `read`, `refused` by an error of texpipe's, or `crashed: ...`."""
    try:
        read(path)
    except TexpipeError:
        return "refused"
    except BaseException as error:  # whatever escapes is what is looked for
        return f"crashed: {type(error).__name__}: {error}"[:200]
    return "read"


def run(target: Target, numbers: range, seed: int, folder: Path) -> Iterator[Case]:
    """Read the mutants of these numbers in children; a child that dies or hangs costs one of them."""
    # A forked child would inherit the locks of torch's threads and hang by itself.
    context = multiprocessing.get_context("spawn")
    at = numbers.start
    while at < numbers.stop:
        ours, theirs = context.Pipe()
        child = context.Process(target=_work, args=(target, range(at, numbers.stop), seed, folder, theirs))
        child.start()
        theirs.close()
        for case in _received(ours, target.name, at):
            yield case
            at = case.number + 1
        child.kill()
        child.join()


def _received(pipe: Connection, name: str, at: int) -> Iterator[Case]:
    """Yield a child's cases, and its death or silence as a case; returns when it has no more."""
    try:
        while True:
            if not pipe.poll(STALLED):
                yield Case(name, at, "hung", STALLED, 0)
                return
            case = pipe.recv()
            if case is None:
                return
            yield case
            at = case.number + 1
    except EOFError:
        yield Case(name, at, "died", 0, 0)


def _work(target: Target, numbers: range, seed: int, folder: Path, pipe: Connection) -> None:
    for name, data in target.seeds:  # imports are no file's fault
        (folder / name).write_bytes(data)
        target.read(folder / name)
    for number in numbers:
        path = write_mutant(target, number, seed, folder)
        before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
        outcome = outcome_of(target.read, path)
        seconds = time.process_time() - start
        # The peak never falls, so what it has grown by is the least that this file may have cost.
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
        pipe.send(Case(target.name, number, outcome, seconds, grown))
    pipe.send(None)


def _flip(data: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(data)) if data else 0
    return data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1 :] if data else data


def _extreme(data: bytes, rng: random.Random) -> bytes:
    at, size = rng.randrange(len(data) + 1), rng.choice((1, 2, 4, 8))
    return data[:at] + bytes([rng.choice(EXTREMES)]) * size + data[at + size :]


def _cut(data: bytes, rng: random.Random) -> bytes:
    at, size = rng.randrange(len(data) + 1), rng.randint(1, 64)
    return data[:at] + data[at + size :]


def _double(data: bytes, rng: random.Random) -> bytes:
    at, size = rng.randrange(len(data) + 1), rng.randint(1, 64)
    return data[: at + size] * rng.choice((1, 1, 2)) + data[at:]


def _truncate(data: bytes, rng: random.Random) -> bytes:
    return data[: rng.randrange(len(data) + 1)]


def _picture() -> Rgba8:
    return np.random.default_rng(0).integers(0, 256, (12, 16, 4), np.uint8)


def _images() -> Iterator[tuple[str, bytes]]:
    picture = Image.fromarray(_picture())
    for mode, kind in (
        *(("RGBA", kind) for kind in ("PNG", "TGA", "DDS")),
        *(("P", kind) for kind in ("PNG", "BMP")),
        *(("RGB", kind) for kind in ("TGA", "BMP")),
        ("I;16", "PNG"),
    ):
        file = io.BytesIO()
        (picture.convert("L").convert("I;16") if mode == "I;16" else picture.convert(mode)).save(file, kind)
        yield f"{mode.replace(';', '')}.{kind.lower()}", file.getvalue()


def _read_image(path: Path) -> object:
    return decode(path.read_bytes(), name=path.name)


def _caches(folder: Path) -> Iterator[tuple[str, bytes]]:
    entries = [CacheEntry(key, _picture(), fmt=0, siz=2) for key in (0x1234, 0xFFFF0000FFFF)]
    for name, write in (("PACK.hts", gliden64_cache.write_hts), ("PACK.htc", gliden64_cache.write_htc)):
        write(folder / name, entries)
        yield name, (folder / name).read_bytes()


def _recipes() -> Iterator[tuple[str, bytes]]:
    for path in sorted((Path(__file__).parents[1] / "recipes").glob("*.yaml")):
        yield path.name, path.read_bytes()


def _weights(folder: Path) -> Iterator[tuple[str, bytes]]:
    import torch

    from texpipe.networks.checkpoint import save_safetensors
    from texpipe.networks.rrdbnet import RRDBNet

    network = RRDBNet(num_feat=4, num_block=1, num_grow_ch=4)
    save_safetensors(folder / "tiny.safetensors", network.state_dict(), {"texpipe": "hostile"})
    yield "tiny.safetensors", (folder / "tiny.safetensors").read_bytes()
    torch.save(network.state_dict(), folder / "tiny.pth")
    yield "tiny.pth", (folder / "tiny.pth").read_bytes()


def _load_weights(path: Path) -> object:
    from texpipe.networks.checkpoint import load

    return load(path)


def _manifests(folder: Path) -> Iterator[tuple[str, bytes]]:
    written = Output("folder", "folder/a.png", "01" * 32, (64, 48))
    entries = (
        Entry("a.png", "written", "ef" * 32, (16, 12), alpha="opaque", edges=Edges(), outputs=(written,)),
        Entry("b.png", "failed", reason="the file is empty"),
    )
    recipe, model = RecipeId("hostile", "ab" * 32), ModelId("tiny", "cd" * 32, None)
    summary = summarise(entries, ignored=1)
    write_manifest(folder / "m.json", Manifest("0", recipe, model, 4, ("folder",), entries, summary))
    yield "m.json", (folder / "m.json").read_bytes()


def report(cases: list[Case], strays: list[str]) -> dict[str, object]:
    """Return the figures: outcomes per reader, the dearest file, and everything that must not happen."""
    outcomes: dict[str, Counter[str]] = {}
    for case in cases:
        outcomes.setdefault(case.target, Counter())[case.outcome.split(":")[0]] += 1
    return {
        "files": len(cases),
        "outcomes": {name: dict(counter) for name, counter in outcomes.items()},
        "slowest_seconds": max(case.seconds for case in cases),
        "most_megabytes": max(case.megabytes for case in cases),
        "findings": [vars(case) for case in cases if case.is_finding],
        "stray_files": strays,
    }


def main() -> None:
    """Mutate, read, and say what was found; exits with 1 if anything was."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=10_000, help="mutants over all readers")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", help="one reader's name")
    parser.add_argument("--output", type=Path, help="write the figures as JSON here")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        made, mutants = Path(name) / "made", Path(name) / "mutants"
        made.mkdir()
        mutants.mkdir()
        known = [t for t in targets(made) if chosen.only in (None, t.name)]
        each = range(-(-chosen.count // len(known)))
        cases = [case for target in known for case in run(target, each, chosen.seed, mutants)]
        allowed = {name for target in known for name, _ in target.seeds}
        strays = sorted(str(path) for path in mutants.rglob("*") if path.name not in allowed)
    result = report(cases, strays)
    text = json.dumps(result, indent=2) + "\n"
    if chosen.output:
        chosen.output.write_text(text, encoding="utf-8")
    print(text, end="")
    sys.exit(bool(result["findings"] or strays))


if __name__ == "__main__":
    main()
