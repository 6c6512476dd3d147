"""Sound files that stand among others: in packs, output folders, models and trainings."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping
from dataclasses import asdict, replace
from functools import cache
from pathlib import PurePosixPath

import numpy as np
import torch
from sound_files import HASH, archive, cache_file, made, network, pngs, texture
from torch import Tensor

from texpipe.analysis.cache import AnalysisCache
from texpipe.classify.analysis import ANALYSIS_VERSION, analyse
from texpipe.formats.dds import encode_dds, mip_chain
from texpipe.formats.gliden64_cache import write_htc, write_hts
from texpipe.formats.otex import write_replacement
from texpipe.imaging.image_files import encode_png
from texpipe.manifest.file import write_manifest
from texpipe.manifest.schema import Entry, Manifest, ModelId, Output, PackFile, RecipeId, summarise
from texpipe.networks.checkpoint import save_safetensors
from texpipe.networks.srresnet import SRResNet, SRResNetArchitecture
from texpipe.passes.resample import repeat
from texpipe.storage.keys import canonical_json, key_of
from texpipe.texture import Edges, Source, StoredForm, Texture

SHA = "ab" * 32
KEY = "0123" * 16
Files = Mapping[str, bytes]

# ---- packs


def pack(target: str, path: str, data: bytes, entry: Entry | None = None, **index: bytes) -> Files:
    """Return the files of a pack with one texture of 16 x 12 in a file at `path`, four times as large.

    Args:
        target: its name.
        path: of the file, below the target's folder.
        data: the file.
        entry: what the manifest says of the texture.
        index: other files of the pack, by path.
    """
    others = {f"{target}/{name}": content for name, content in index.items()}
    written = Output(target, f"{target}/{path}", hashlib.sha256(data).hexdigest(), (64, 48))
    known = entry or Entry("a.png", "written", SHA, (16, 12), alpha="soft", edges=Edges())
    entries = (
        replace(known, outputs=(written,)),
        Entry("b.png", "failed", reason="is empty"),
    )
    files = tuple(PackFile(target, one, hashlib.sha256(text).hexdigest()) for one, text in others.items())
    manifest = Manifest(
        "0",
        RecipeId("seed", SHA),
        ModelId("tiny", SHA, None),
        4,
        (target,),
        entries,
        summarise(entries, ignored=1),
        files,
    )
    (text,) = made("manifest.json", lambda file: write_manifest(file, manifest))
    return {written.path: data, **others, "manifest.json": text, "run.json": b'{"input": "nowhere"}'}


def _named(scheme: str, **fields: str | int) -> Entry:
    return Entry(
        "a.png", "written", SHA, (16, 12), id={"scheme": scheme, **fields}, alpha="soft", edges=Edges()
    )


def _large() -> bytes:
    return encode_png(repeat(texture(), 4))


@cache
def folder_pack() -> Files:
    """Return a pack of pictures."""
    return pack("folder", "a.png", _large())


@cache
def cache_pack(suffix: str) -> Files:
    """Return a pack that is a cache of GLideN64."""
    write = {".hts": write_hts, ".htc": write_htc}[suffix]
    (data,) = cache_file(f"G{suffix}", write, repeat(texture(), 4))
    entry = _named("gliden64", game="G", crc="00001234", fmt=0, siz=2, suffix="all")
    return pack("gliden64", f"G_HIRESTEXTURES{suffix}", data, entry)


@cache
def soh_pack() -> Files:
    """Return a pack that is an archive of Ship of Harkinian."""
    otex = write_replacement(repeat(texture(), 4), "rgba32", (16, 12))
    (data,) = archive({"alt/objects/a/gTex": otex, "manifest.json": b'{"name": "a"}'})
    return pack("soh", "a.o2r", data, _named("soh", path="objects/a/gTex", texels="rgba32"))


def _rt64_list() -> bytes:
    configuration = {"autoPath": "rt64", "configurationVersion": 3, "hashVersion": 5}
    listed = [{"path": f"textures/{HASH}.dds", "hashes": {"rt64": HASH, "rice": ""}}]
    return json.dumps({"configuration": configuration, "textures": listed}).encode()


def _dds() -> bytes:
    return encode_dds(mip_chain(repeat(texture(), 4), cutout=False))


@cache
def rt64_pack() -> Files:
    """Return a pack of RT64 in a folder."""
    return pack("rt64", f"textures/{HASH}.dds", _dds(), None, **{"rt64.json": _rt64_list()})


@cache
def rtz_pack() -> Files:
    """Return a pack of RT64 that is an archive."""
    (data,) = archive({"rt64.json": _rt64_list(), f"textures/{HASH}.dds": _dds()})
    return pack("rt64", "textures.rtz", data, _named("rt64", rt64=HASH))


@cache
def ppsspp_pack() -> Files:
    """Return a pack of PPSSPP."""
    name = "0894abcd0000000012345678"
    text = f"[options]\nversion = 1\nhash = xxh64\n[hashes]\n{name} = textures/{name}.png\n"
    return pack(
        "ppsspp",
        f"ULUS10000/textures/{name}.png",
        _large(),
        None,
        **{"ULUS10000/textures.ini": text.encode()},
    )


@cache
def duckstation_pack() -> Files:
    """Return a pack of DuckStation, whose settings are beside it."""
    title = "texupload-P4-0123456789ABCDEF-FEDCBA9876543210-16x12-0-0-16x12-P0-15"
    other = title.replace("0123456789ABCDEF", "0123456789ABCDE0")
    text = f"ReducePaletteRange: false\nAliases:\n  {other}: {title}.png\n"
    opaque = repeat(texture(), 4)
    opaque[..., 3] = 255
    path = f"SLUS-00067/replacements/{title}.png"
    return pack("duckstation", path, encode_png(opaque), None, **{"SLUS-00067/config.yaml": text.encode()})


# ---- the store of an output folder


def journals() -> tuple[bytes, ...]:
    """Return notes of files that were written."""
    return (f'{SHA} folder/a.png\n{SHA} "folder/a\\u2028b.png"\n{SHA} rt64/textures/{HASH}.dds\n'.encode(),)


@cache
def analyses() -> tuple[bytes, ...]:
    """Return what a run found in a texture, as it is kept for the next one."""

    def write(file: object) -> None:
        known = AnalysisCache(file)  # type: ignore[arg-type]
        source = Source("a.png", PurePosixPath("a.png"))  # type: ignore[arg-type]
        known.add(KEY, analyse(Texture(source, texture(), SHA, StoredForm("RGBA"))))
        known.keep()

    return made("analysis", write)


def with_digest(data: bytes) -> bytes:
    """Make the digest at the head of kept analyses fit again."""
    _, _, rows = data.partition(b"\n")
    return b"texpipe analysis %d %s\n" % (ANALYSIS_VERSION, hashlib.sha256(rows).hexdigest().encode()) + rows


def sidecars() -> tuple[bytes, ...]:
    """Return what the store notes of the first of `pngs`."""
    (png, *_) = pngs()
    body = {"key": KEY, "sha256": hashlib.sha256(png).hexdigest(), "size": len(png), "facts": {"seam_x": 1.5}}
    return (canonical_json({**body, "check": key_of(body)}),)


def with_check(data: bytes) -> bytes:
    """Make the check of a sidecar fit again, if it is JSON."""
    try:
        body = {name: value for name, value in json.loads(data).items() if name != "check"}
        return canonical_json({**body, "check": key_of(body)})
    except (ValueError, AttributeError, RecursionError, TypeError):
        return data


# ---- models and trainings


def model() -> bytes:
    """Return a model file."""
    return made("a.safetensors", lambda file: save_safetensors(file, network(), {"licence": "MIT"}))[0]


def cards() -> tuple[bytes, ...]:
    """Return the card beside `model`."""
    digest = hashlib.sha256(model()).hexdigest()
    dial = {"inventive": "a.safetensors", "sha256": digest, "detail": 0.5}
    known = {"name": "a", "licence": "MIT", "summary": "tiny", "sha256": digest}
    return (json.dumps(known).encode(), json.dumps({**known, "dial": dial}).encode())


def pages() -> tuple[bytes, ...]:
    """Return pages about a model."""
    return ("# a\n\nGood for letters – and for hats.\n".encode(), "# a\n".encode("utf-16"))


def _has_activation(name: str) -> bool:
    return name not in ("conv_first", "conv_body", "conv_last") and not name.endswith("conv5")


def params() -> tuple[bytes, ...]:
    """Return the text of an ncnn model."""
    lines = ["Input input 0 1 data"]
    state = network()
    for name in (key.removesuffix(".weight") for key in state if key.endswith(".weight")):
        weight = state[f"{name}.weight"]
        if name.startswith("conv_up"):
            lines.append(f"Interp Resize_{name} 1 1 a b 0=1 1=2.000000e+00 2=2.000000e+00")
        leaky = " 9=2 -23310=1,2.000000e-01" if _has_activation(name) else ""
        lines.append(f"Convolution Conv_{name} 1 1 a b 0={len(weight)} 1=3 4=1 5=1 6={weight.numel()}{leaky}")
    return ("\n".join(["7767517", f"{len(lines)} 99", *lines]).encode() + b"\n",)


def bins() -> tuple[bytes, ...]:
    """Return the weights of an ncnn model."""
    parts = []
    for name, value in network().items():
        if name.endswith(".bias"):
            parts.append(value.numpy().astype("<f4").tobytes())
            continue
        weights = value.numpy().astype("<f2").tobytes()
        parts += [(0x01306B47).to_bytes(4, "little"), weights, bytes(-len(weights) % 4)]
    return (b"".join(parts),)


@cache
def srresnets() -> tuple[bytes, ...]:
    """Return a model that training made of another architecture."""
    torch.manual_seed(0)
    wanted = SRResNetArchitecture(num_block=1, num_feat=4, scale=2)
    state: dict[str, Tensor] = {
        name: tensor for name, tensor in SRResNet(wanted).state_dict().items() if tensor.is_floating_point()
    }
    notes = {"architecture": "SRResNet", "options": json.dumps(asdict(wanted))}
    return made("a.safetensors", lambda file: save_safetensors(file, state, notes))


def states() -> tuple[bytes, ...]:
    """Return the state of a training."""
    buffer = io.BytesIO()
    torch.save({"step": 3, "model": network(), "rates": [1e-4, 2e-4]}, buffer)
    return (buffer.getvalue(),)


def presets() -> tuple[bytes, ...]:
    """Return a preset of a training."""
    return (
        b"version: 1\nname: tiny\nabout: a seed\ngenerator: {architecture: rrdbnet, blocks: 1}\n"
        b"stages:\n  - {name: psnr, share: 1, learning_rate: 1.0e-4, losses: {l1: 1.0}}\nsteps: 10\n",
    )


def shards() -> tuple[bytes, ...]:
    """Return a tar file of training textures with an index."""
    (png, *_) = pngs()
    grey = encode_png(np.repeat(texture()[..., :1], 4, axis=2))
    index = b"file,mode,package,licence\na.png,whole:both,seed,MIT\n"
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, data in (("a.png", png), ("b.png", grey), ("index.csv", index)):
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return (buffer.getvalue(),)


def trunks() -> tuple[bytes, ...]:
    """Return the weights of AlexNet as far as their names go."""
    state = {f"features.{place}.weight": torch.zeros(1) for place in (0, 3, 6, 8, 10)}
    buffer = io.BytesIO()
    torch.save(state, buffer)
    return (buffer.getvalue(),)


def resources() -> tuple[bytes, ...]:
    """Return the list of resources in a tree extracted from a game of Ship of Harkinian."""
    return (json.dumps({"objects/a/gTex": {"textureType": "RGBA16bpp"}, "b": {"textureType": 2}}).encode(),)


def updates() -> tuple[bytes, ...]:
    """Return an archive that changes one file of a pack, removes one and copies one."""

    def digest(data: bytes) -> str:
        return hashlib.sha256(data).hexdigest()

    fresh = {"base": None, "start": 0, "length": 3}
    copied = {"base": "a.png", "start": 0, "length": 3}
    top = {
        "schema": "texpipe.patch/1",
        "texpipe": "0",
        "is_file": False,
        "base": {"a.png": digest(b"old"), "b.png": digest(b"gone")},
        "made": [
            {"name": "a.png", "sha256": digest(b"new"), "pieces": [fresh]},
            {"name": "c/c.png", "sha256": digest(b"oldnew"), "pieces": [copied, fresh]},
        ],
        "removed": ["b.png"],
    }
    return archive({"data/0": b"new", "data/1": b"new", "patch.json": json.dumps(top).encode()})


def layers_recipes() -> tuple[bytes, ...]:
    """Return a recipe of layers."""
    return (b'version: 1\nlayers: [a, "b"]\noutput: out\nchoose:\n  "*": b\n',)


def layers_manifests() -> tuple[bytes, ...]:
    """Return the manifest of a pack that was merged out of several."""
    origins = {
        "a.png": {"sha256": "0" * 64, "layer": "a", "instead_of": ["b"], "by": "m"},
        "x.zip": {"sha256": "0" * 64, "merged": ["a", "b"], "entries": {"y.png": {"layer": "b", "by": "m"}}},
    }
    top = {"schema": "texpipe.layers/1", "texpipe": "0", "layers": [{"name": "a"}], "files": origins}
    return (json.dumps(top).encode(),)


def records() -> tuple[bytes, ...]:
    """Return the record of what was put into a pack."""
    filled = {"file": "a.png", "texture": "a.png", "sha256": "0" * 64, "how": "upscaled", "model": "m"}
    model = {"name": "m", "sha256": "0" * 64, "licence": None}
    top = {"schema": "texpipe.completed/1", "textures": [filled], "models": [model]}
    return (json.dumps(top).encode(),)


def verdicts() -> tuple[bytes, ...]:
    """Return what became of learning a pack's style."""
    return (json.dumps({"accepted": False, "said": "not better"}).encode(),)


def summaries() -> tuple[bytes, ...]:
    """Return the summary of who made a pack."""
    return (json.dumps({"schema": "texpipe.credits/1", "pages": ["0" * 64]}).encode(),)
