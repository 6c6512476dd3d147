"""Functions of texpipe that take strangers' bytes apart or open files: found by walking its code, so none is forgotten.

A function is a reader if it calls something that opens or parses, such as `read_bytes`, `json.loads` or `ZipFile`.
Each is either reached by the sound files of a target in `fuzz_targets.py`, which `tests/pipeline/test_readers.py`
watches, or has a reason in `NOT_FUZZED`.
"""

from __future__ import annotations

import ast
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any

_ANYWHERE = frozenset({
    "open", "read_bytes", "read_text", "read_small", "read_json", "parse_json", "open_regular",
    "ZipFile", "TarFile", "extractfile", "safe_open", "load_file", "load_safetensors", "frombuffer",
    "fromfile", "memmap", "imread", "imdecode", "Unpickler", "decompress", "decompressobj", "ZstdFile", "GzipFile",
    "unpack", "unpack_from", "iter_unpack", "from_bytes", "validate_json", "DictReader", "safe_load", "is_zipfile",
    "recv", "recv_into", "recvfrom", "readinto", "parse_qs", "parse_qsl", "b64decode", "unpack_archive", "extractall",
})  # fmt: skip
"""Names of functions and methods that open or parse, whatever they belong to."""
_OF_MODULES = {
    "json": {"load", "loads"},
    "request": {"body", "form", "json", "stream"},
    "websocket": {"receive_text", "receive_bytes", "receive_json", "receive"},
    "rfile": {"read", "readline"},
    "yaml": {"load", "load_all", "parse", "scan", "compose"},
    "pickle": {"load", "loads"},
    "torch": {"load"},
    "np": {"load", "loadtxt", "genfromtxt"},
    "onnx": {"load", "load_model"},
    "csv": {"reader"},
    "tomllib": {"load", "loads"},
    "ElementTree": {"parse", "fromstring"},
    "configparser": {"ConfigParser", "RawConfigParser"},
    "gzip": {"open"},
    "imageio": {"imread", "mimread"},
}
"""Functions that open or parse, of modules where others of that name do not."""
_BOUNDED = frozenset({"read_small", "read_json", "parse_json"})
"""Functions among them that raise nothing but refusals themselves, as the test of what they call shows."""
_FAILING = _ANYWHERE.union(*_OF_MODULES.values()) - _BOUNDED

_SHIPPED = "reads a file that comes with texpipe"
_SYSTEM = "reads what the operating system says"
_PINNED = "reads a package whose sha256 is in the code"
OWN = "takes apart what texpipe made in the same process"
_COMPARES = "compares the first bytes of a file with those that texpipe writes"
_DIGEST = "reads bytes for their digest alone"
WRITES = "writes, and reads nothing"
_PIXELS = "reads decoded texels of any value: no byte of them can be wrong"
NOT_FUZZED: Mapping[str, str] = {
    "texpipe.analysis.cache:_LineCompressor.line_of": OWN,
    "texpipe.classify.judge:_judge": _SHIPPED,
    "texpipe.classify.kinds:_judge": _SHIPPED,
    "texpipe.cli.adopt:_add": "reads the recipe that load_recipe has just read",
    "texpipe.cli.replaceable:_has_mark": _COMPARES,
    "texpipe.cli.told:told_before": "reads a record whose digests fit the files of this disk, in `refusing`",
    "texpipe.compare.choices:choices_of": "reads the recipe that load_recipe has just read",
    "texpipe.compare.page:_paces": "is read_json alone: numbers are taken from what it returns",
    "texpipe.compare.page:_write_page": _SHIPPED,
    "texpipe.report.page:asset": _SHIPPED,
    "texpipe.doctor.bundle:_manifest_head": "is parse_json alone: what it returns is written, not taken apart",
    "texpipe.doctor.bundle:_text": "is read_small alone: what it returns is written, not taken apart",
    "texpipe.doctor.bundle:write_bundle": WRITES,
    "texpipe.execution.forecast:_Speed._recall": "reads the user's own cache folder, by read_json",
    "texpipe.execution.takeover:_noted": "is read_small and parse_json alone: one text is taken from what they return",
    "texpipe.formats.archive:ZipWriter.__init__": WRITES,
    "texpipe.formats.archive:ZipWriter.opened": WRITES,
    "texpipe.formats.dds:encode_dds": WRITES,
    "texpipe.formats.gliden64_cache:write_htc": WRITES,
    "texpipe.formats.rice_crc:_word": _PIXELS,
    "texpipe.formats.strong_crc:strong_crc": _PIXELS,
    "texpipe.imaging.texel_formats:encode": _PIXELS,
    "texpipe.live.installation:_copy": "copies a file of the pack, and takes nothing apart",
    "texpipe.live.installed_files:_parsed": "reads the user's own data folder, by read_json",
    "texpipe.live.installed_files:_rows": "reads the user's own data folder, by parse_json",
    "texpipe.live.refiner:RefinerProcess._listen": "reads the pipe from a process that it started",
    "texpipe.live.refiner:_read": "reads the pipe from the process that started it",
    "texpipe.live.probe_pack:_picture": "hands bytes to image_files.decode, which is fuzzed",
    "texpipe.networks.cards:licence_text": _SHIPPED,
    "texpipe.networks.foreign_facts:kept": "reads the user's own data folder, by read_json",
    "texpipe.networks.overviews:kept": "reads the user's own data folder, by read_json",
    "texpipe.networks.ncnn:_read_slopes": "takes floats of a checked length, as _read_one does",
    "texpipe.networks.fetch:_member": _PINNED,
    "texpipe.networks.fetch:download": _PINNED,
    "texpipe.output.edits:_read": "hands bytes to image_files.decode, which is fuzzed",
    "texpipe.output.finished:_note_repeated": "is read_json alone: two numbers are taken from what it returns",
    "texpipe.output.finished:_recorded": "is read_json alone: digests are only compared",
    "texpipe.storage.atomic:open_atomic": WRITES,
    "texpipe.storage.listing:_without_waiting": _DIGEST,
    "texpipe.storage.listing:digest_of": _DIGEST,
    "texpipe.upscale.webgpu_probe:_probed_now": "reads the answer of a process that it started, by parse_json",
    "texpipe.upscale.webgpu_probe:_recalled": "reads the user's own cache folder, by read_small and parse_json",
    "texpipe.planning.order:read_order": "splits a text that read_small and text_of read into lines",
    "texpipe.packs.remembered_checks:RememberedChecks._read": "is read_small alone: digests that are only compared",
    "texpipe.passes.storage_box:_remembered": OWN,
    "texpipe.passes.outlines:_weights": _SHIPPED,
    "texpipe.read.hand_made:_bytes_of": "hands bytes to image_files.decode, which is fuzzed",
    "texpipe.report.page:render": _SHIPPED,
    "texpipe.upkeep.archive:_add": "copies a file of the pack, and takes nothing apart",
    "texpipe.upkeep.pages:PageFolder.write": _SHIPPED,
    "texpipe.upkeep.patch:_write_file": "copies a pack, and takes nothing apart",
    "texpipe.storage.atomic:_sync_folder": WRITES,
    "texpipe.storage.lock:Lock.__enter__": "opens a file to lock it; what is in it is shown, not parsed",
    "texpipe.storage.lock:_without_links": "opens a file to lock it",
    "texpipe.storage.small_files:open_to_append": WRITES,
    "texpipe.cli.studio:studio.opened": "opens the browser",
    "texpipe.execution.multi_gpu:_WorkerPool._receive": "reads the pipe from a process that it started",
    "texpipe.execution.multi_gpu:serve": "reads the pipe from the process that started it",
    "texpipe.report.stamp:head_of_report": _COMPARES,
    "texpipe.studio.api:Api.screen": "hands bytes of a limited size to image_files.decode, which is fuzzed",
    "texpipe.studio.api:Api.override": "hands bytes of a limited size to image_files.decode, which is fuzzed",
    "texpipe.studio.by_hand:shown": "hands a picture that was looked at before to image_files.decode, which is fuzzed",
    "texpipe.studio.api:_object": "takes a request of a limited size, and refuses what is not a JSON object",
    "texpipe.studio.kept_draft:KeptDraft._is_own": "compares the bytes of a file with those that it wrote",
    "texpipe.studio.rule_text:_root": "reads the recipe that parse_recipe has just read",
    "texpipe.studio.run_process:RunProcess._find": "opens the log that _take reads",
    "texpipe.studio.run_process:RunProcess._take": "reads the log of a process that it started; a test damages it",
    "texpipe.studio.run_process:RunProcess._watch": "opens the log that _take reads",
    "texpipe.studio.workshop:Workshop.__init__": "calls Draft.open, which is fuzzed",
    "texpipe.system.graphics_cards:_text": _SYSTEM,
    "texpipe.system.memory:_free_on_linux": _SYSTEM,
    "texpipe.system.memory:_remaining": _SYSTEM,
    "texpipe.system.memory:_remaining_in_groups": _SYSTEM,
    "texpipe.system.memory:resident": _SYSTEM,
    "texpipe.system.offload:_answer": "reads the pipe from the process that started it",
    "texpipe.system.offload:_exchange": "reads the pipe from a process that it started",
    "texpipe.train.data.collection:_position": "takes a digest as a number",
    "texpipe.train.data.dataset:held_out_pair": "takes a digest as a number",
    "texpipe.train.data.degrade:_jpeg": OWN,
    "texpipe.train.data.taught:TaughtCrops._pair": "reads arrays that the training wrote to its own folder",
    "texpipe.train.loop.log:Log.log_event": WRITES,
    "texpipe.train.losses.weights:_read_dists": _PINNED,
    "texpipe.train.losses.weights:_read_lpips": _PINNED,
    "texpipe.train.losses.weights:_read_stlpips": _PINNED,
    "texpipe.train.losses.weights:weights": "reads weights of a package with a known sha256, which it converted",
    "texpipe.upscale.hardware:_flags": _SYSTEM,
    "texpipe.upscale.open_engine:_open_one": "calls checkpoint.load, which is fuzzed",
}
"""Readers that no target reaches, and why strangers' bytes never reach them either."""


def readers(package: Path) -> frozenset[str]:
    """Return the names of the readers below a package's folder, as `module:function`."""
    return frozenset(_places(package))


@cache
def _places(package: Path) -> Mapping[str, tuple[str, int]]:
    """Return each reader with its file and the line where its code begins."""
    found: dict[str, tuple[str, int]] = {}
    for file in sorted(package.rglob("*.py")):
        if (
            "_data" in file.relative_to(package).parts
        ):  # recipes that an installed package brings, with their scripts
            continue
        module = ".".join(file.relative_to(package.parent).with_suffix("").parts).removesuffix(".__init__")
        for name, line in _readers_in(ast.parse(file.read_text("utf-8")), ""):
            found[f"{module}:{name}"] = (str(file), line)
    return found


def _readers_in(node: ast.AST, inside: str) -> Iterator[tuple[str, int]]:
    """Yield the functions with such a call of their own, by qualified name; "(module)" is none of them."""
    if _calls(node):
        yield inside or "(module)", _first_line(node)
    for child in _definitions(node):
        yield from _readers_in(child, f"{inside}.{child.name}" if inside else child.name)


def _first_line(node: ast.AST) -> int:
    """Return the line where Python says that a function begins: that of its first decorator."""
    return min(one.lineno for one in (node, *getattr(node, "decorator_list", ())) if hasattr(one, "lineno"))


def _definitions(node: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield child
        else:
            yield from _definitions(child)


def _calls(node: ast.AST) -> bool:
    """Return whether something in it, but in no function or class inside, opens or parses."""
    return any(
        (isinstance(child, ast.Call) and _is_reading(child)) or _calls(child)
        for child in ast.iter_child_nodes(node)
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    )


def _is_reading(call: ast.Call) -> bool:
    function = call.func
    if isinstance(function, ast.Name):
        return function.id in _ANYWHERE
    if not isinstance(function, ast.Attribute):
        return False
    owner = function.value
    module = (
        owner.id if isinstance(owner, ast.Name) else owner.attr if isinstance(owner, ast.Attribute) else ""
    )
    return function.attr in _ANYWHERE or function.attr in _OF_MODULES.get(module, ())


@contextmanager
def watching(package: Path, called: Callable[[str], None]) -> Iterator[None]:
    """Call a function with the name of each reader of a package, as `readers` has it, whenever it is entered."""
    names = {place: name for name, place in _places(package).items()}

    def watch(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and (name := names.get(_place(frame))) is not None:
            called(name)

    with _profiled(watch):
        yield


@contextmanager
def failing(package: Path, reader: str, error: Exception) -> Iterator[None]:
    """Let whatever one reader of a package opens or parses with raise an error instead, the first time."""
    place = _places(package)[reader]

    def watch(frame: FrameType, event: str, called: Any) -> None:  # noqa: ANN401
        inside = frame if event == "c_call" else frame.f_back
        if event in ("call", "c_call") and inside is not None and _place(inside) == place:
            name = called.__name__ if event == "c_call" else _name(frame)
            if name in _FAILING:
                raise error

    with _profiled(watch):
        yield


def _place(frame: FrameType) -> tuple[str, int]:
    return frame.f_code.co_filename, frame.f_code.co_firstlineno


def _name(frame: FrameType) -> str:
    """Return the name of what was called: of a class where that is made."""
    if frame.f_code.co_name != "__init__":
        return frame.f_code.co_name
    return type(next(iter(frame.f_locals.values()), None)).__name__


@contextmanager
def _profiled(watch: Callable[[FrameType, str, Any], None]) -> Iterator[None]:
    before = sys.getprofile()
    threading.setprofile(watch)
    sys.setprofile(watch)
    try:
        yield
    finally:
        sys.setprofile(before)
        threading.setprofile(None)
