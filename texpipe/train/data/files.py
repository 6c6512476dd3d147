"""Lists of the picture files in folders and tar shards, each with a function that decodes it."""

from __future__ import annotations

import csv
import io
import logging
import os
import tarfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image

from texpipe.errors import SourceError
from texpipe.imaging import image_files
from texpipe.storage.file_names import utf8_name
from texpipe.storage.small_files import open_regular, read_small, refusing
from texpipe.texture import Edges, Rgba8

log = logging.getLogger(__name__)

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".tga", ".dds", ".webp", ".bmp"})
_PHOTO_SUFFIXES = frozenset({".jpg", ".jpeg", ".webp"})
_ALPHA_SUFFIX = ".a.png"
"""Suffix of the file with the alpha plane of a JPEG: NAME.a.png belongs to NAME.jpg."""
_MAX_BYTES, _MAX_INDEX = image_files.MAX_FILE_BYTES, 1 << 28
"""Largest picture, and largest index of a shard, that is read, in bytes."""


@dataclass(frozen=True)
class PictureFile:
    """A picture in a folder or shard.

    Attributes:
        name: path inside the folder.
        read: decodes it to H x W x 4 uint8, straight alpha. Raises SourceError if it is damaged.
        edges: the axes on which it tiles, if an index tells.
    """

    name: str
    read: Callable[[], Rgba8]
    edges: Edges | None = None


def picture_files(root: Path) -> Iterator[PictureFile]:
    """Yield the pictures in a folder and its subfolders, or in one tar shard, in the order of their names.

    Links are followed; those that lead nowhere are named in a warning.

    Raises:
        SourceError: a shard cannot be read, or a folder cannot be listed.
    """
    if root.is_file():
        yield from _shard(root, "")
        return
    for path in _files_in(root):
        name = utf8_name(path.relative_to(root).as_posix())
        if path.is_symlink() and not path.exists():
            log.warning("%s is a link to what is missing: no texture behind it is used", path)
        elif path.suffix == ".tar":
            yield from _shard(path, name.removesuffix(".tar") + "/")
        elif _is_picture(name) and path.is_file():
            alpha = path.with_name(path.stem + _ALPHA_SUFFIX)
            yield PictureFile(name, partial(_read_file, path, alpha if alpha.is_file() else None))


def _files_in(root: Path) -> list[Path]:
    """Return the files below a folder, also through links, in the order of their names; each folder is listed once.

    Folders are known by the names that they have without links: only what is elsewhere gets a link's name.
    """
    found: list[Path] = []
    known: set[str] = set()
    waiting = [root]
    while waiting:
        waiting.sort()
        for above, folders, names in os.walk(waiting.pop(0), onerror=_stop):
            real = os.path.realpath(above)
            if real in known:
                folders.clear()
                continue
            known.add(real)
            found += (Path(above, name) for name in names)
            waiting += (Path(above, name) for name in folders if Path(above, name).is_symlink())
    return sorted(found, key=lambda path: path.relative_to(root).as_posix())


def _stop(error: OSError) -> None:
    raise SourceError(
        f"{error.filename} cannot be listed: {error.strerror or error}", hint="Check its permissions."
    ) from error


def sources(root: Path) -> tuple[str, ...]:
    """Return the origins of the textures of a folder or shard, for the model card.

    Returns:
        "package (licence): count" from the indices of shards, or the folder's name.

    Raises:
        SourceError: a shard cannot be read.
    """
    shards = [root] if root.is_file() else [path for path in _files_in(root) if path.suffix == ".tar"]
    rows = [row for shard in shards for row in _index_rows(shard)]
    counted = Counter(f"{row.get('package', '?')} ({row.get('licence', '?')})" for row in rows)
    return tuple(f"{source}: {count}" for source, count in sorted(counted.items())) or (utf8_name(root.name),)


def decode(data: bytes, alpha: bytes | None, name: str) -> Rgba8:
    """Decode a picture and add a separate alpha plane.

    Args:
        data: the file's bytes.
        alpha: bytes of a picture whose red channel is the alpha, if there is one.
        name: the file's name, for its suffix and for messages.

    Returns:
        H x W x 4 uint8, straight alpha.

    Raises:
        SourceError: damaged, of an unknown format, or of different sizes.
    """
    is_photo = PurePosixPath(name).suffix.lower() in _PHOTO_SUFFIXES
    rgba = _photo(data) if is_photo else image_files.decode(data, name=name)[0]
    if alpha is None:
        return rgba
    plane = image_files.decode(alpha, name=PurePosixPath(name).stem + _ALPHA_SUFFIX)[0][..., 0]
    if plane.shape != rgba.shape[:2]:
        raise SourceError("its alpha plane has another size")
    return np.dstack([rgba[..., :3], plane])


def _photo(data: bytes) -> Rgba8:
    """Decode JPEG or WebP, which emulators do not dump and `image_files` therefore does not read."""
    try:
        with Image.open(io.BytesIO(data), formats=("JPEG", "WEBP")) as image:
            if image.width * image.height > image_files.MAX_PIXELS:
                raise ValueError(f"{image.width} x {image.height} pixels are more than the limit")
            return np.asarray(image.convert("RGBA"))
    except MemoryError:
        raise
    except Exception as error:  # a damaged file can make a decoder raise anything
        raise SourceError(f"cannot be decoded: {error}") from error


def _is_picture(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in SUFFIXES and not name.endswith(_ALPHA_SUFFIX)


def _read_file(path: Path, alpha: Path | None) -> Rgba8:
    data, plane = (
        None if one is None else read_small(one, _MAX_BYTES, any_link=True) for one in (path, alpha)
    )
    return decode(data or b"", plane, path.name)


def _shard(path: Path, prefix: str) -> Iterator[PictureFile]:
    """Yield the pictures of a tar file; its index.csv (columns `file`, `mode`) may tell which of them tile."""
    with _opened(path) as tar:
        places = {m.name: (m.offset_data, m.size) for m in tar if m.isfile()}

    def read(member: str, alpha: str | None) -> Rgba8:
        picture = _part(path, *places[member])
        return decode(picture, _part(path, *places[alpha]) if alpha else None, member)

    tiling = {row["file"]: _tiling(row) for row in _index_rows(path) if "file" in row}
    for member in filter(_is_picture, sorted(places)):
        alpha = str(PurePosixPath(member).with_suffix("")) + _ALPHA_SUFFIX
        reader = partial(read, member, alpha if alpha in places else None)
        yield PictureFile(utf8_name(prefix + member), reader, tiling.get(member))


@contextmanager
def _opened(shard: Path) -> Iterator[tarfile.TarFile]:
    try:
        # Uncompressed only: pictures are read from their offsets.
        with open_regular(shard) as file, tarfile.open(fileobj=file, mode="r:") as tar:
            yield tar
    except MemoryError:
        raise
    except Exception as error:  # a damaged archive can make `tarfile` raise anything
        raise SourceError(
            f"{shard} is not a readable tar file: {error}", hint="Check the download; unpack a .tar.gz first."
        ) from error


def _part(path: Path, offset: int, size: int) -> bytes:
    if size > _MAX_BYTES:  # a sparse member claims what the archive does not have
        raise SourceError(f"is larger than the limit of {_MAX_BYTES:,} bytes")
    with refusing(path), open_regular(path) as file:
        file.seek(offset)
        return file.read(size)


def _index_rows(shard: Path) -> list[dict[str, str]]:
    """Read the index of a shard; empty without one."""
    with _opened(shard) as tar:
        file = tar.extractfile("index.csv") if "index.csv" in tar.getnames() else None
        text = file.read(_MAX_INDEX).decode("utf-8", "replace") if file else ""
    with refusing(shard):
        return [
            {key: value for key, value in row.items() if isinstance(key, str) and isinstance(value, str)}
            for row in csv.DictReader(io.StringIO(text))
        ]


def _tiling(row: dict[str, str]) -> Edges:
    """Read the tile flag of a row: mode `whole:both`, `whole:x`, `whole:y`; anything else does not tile."""
    flag = (row.get("mode") or "").partition(":")[2]
    return Edges("wrap" if flag in {"both", "x"} else "clamp", "wrap" if flag in {"both", "y"} else "clamp")
