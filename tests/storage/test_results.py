"""Files are whole or not there; results are found by content; damage is noticed; one run at a time."""

from __future__ import annotations

import json
import os
import pickle
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from texpipe.errors import PackError
from texpipe.imaging.digest import pixel_digest
from texpipe.storage.atomic import write_atomic
from texpipe.storage.keys import canonical_json, key_of
from texpipe.storage.lock import Lock
from texpipe.storage.results import ResultStore
from texpipe.storage.stale_parts import remove_stale_parts
from texpipe.texture import Decisions, Edges, Plan

KEY = key_of("a")
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
pictures = arrays(np.uint8, st.tuples(st.integers(1, 4), st.integers(1, 4), st.just(4)))


def plan(**changes: object) -> Plan:
    base = Plan("upscale", "opaque", Edges("wrap", "clamp"), 4, "match", False, Decisions("a", "b", "c", "d"))
    return replace(base, **changes)  # type: ignore[arg-type]


# ---- atomic files


def test_write_replaces_and_leaves_nothing_behind(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "er" / "file"
    write_atomic(path, b"one")
    write_atomic(path, b"two")
    assert path.read_bytes() == b"two"
    assert list(path.parent.iterdir()) == [path]


def test_a_failed_write_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    write_atomic(path, b"old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(PackError, match=r"cannot write .*file: No space left on device"):
        write_atomic(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_cannot_be_made_is_a_pack_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(PackError, match="cannot write"):
        write_atomic(tmp_path / "file" / "below", b"")


def test_the_longest_names_can_be_written(tmp_path: Path) -> None:
    for name in ("x" * 255, "é" * 127):
        write_atomic(tmp_path / name, b"x")
        assert (tmp_path / name).read_bytes() == b"x"


def test_only_parts_are_removed(tmp_path: Path) -> None:
    stale = tmp_path / "sub" / ".picture.png.4194304-1.part"
    stale.parent.mkdir()
    # A container may give every process the same number.
    same_number = tmp_path / f".picture.png.{os.getpid()}-1.part"
    others = [tmp_path / name for name in ("a.part", ".hidden.part", "b.png")]
    for path in (stale, same_number, *others):
        path.write_bytes(b"x")
    assert remove_stale_parts(tmp_path) == 2
    assert not stale.exists()
    assert not same_number.exists()
    assert all(path.exists() for path in others)


def test_threads_do_not_disturb_each_other(tmp_path: Path) -> None:
    contents = [bytes([number]) * 50_000 for number in range(8)]
    threads = [threading.Thread(target=write_atomic, args=(tmp_path / "file", one)) for one in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (tmp_path / "file").read_bytes() in contents
    assert len(list(tmp_path.iterdir())) == 1


# ---- keys


@settings(deadline=None, max_examples=50)
@given(json_values)
def test_canonical_json_keeps_the_value(value: object) -> None:
    assert json.loads(canonical_json(value)) == value


@settings(deadline=None, max_examples=50)
@given(st.dictionaries(st.text(), st.integers(), min_size=2))
def test_keys_do_not_depend_on_the_order_of_a_mapping(value: dict[str, int]) -> None:
    assert key_of(value) == key_of(dict(reversed(value.items())))


@settings(deadline=None, max_examples=50)
@given(st.lists(json_values, max_size=3), st.lists(json_values, max_size=3))
def test_keys_differ_exactly_when_their_parts_do(one: list[object], two: list[object]) -> None:
    assert (key_of(*one) == key_of(*two)) == (canonical_json(one) == canonical_json(two))


def test_a_plan_counts_but_not_who_decided_it() -> None:
    other = Decisions("rule 1", "rule 1", "rule 1", "rule 1")
    assert key_of(plan()) == key_of(plan(decided_by=other))
    changes = [
        {"scale": 2},
        {"edges": Edges("wrap", "wrap")},
        {"alpha": "mask"},
        {"grey": True},
        {"colour": "off"},
    ]
    assert len({key_of(plan(**change)) for change in [{}, *changes]}) == 6


def test_parts_are_not_glued_together() -> None:
    assert (
        len(
            {key_of("ab", "c"), key_of("a", "bc"), key_of("abc"), key_of(["ab", "c"]), key_of(1), key_of("1")}
        )
        == 6
    )


def test_what_is_not_json_is_refused() -> None:
    with pytest.raises(ValueError, match="JSON"):
        key_of(float("nan"))
    with pytest.raises(TypeError, match="set has no JSON form"):
        key_of({1})


@settings(deadline=None, max_examples=50)
@given(pictures, st.randoms(use_true_random=False))
def test_hidden_colour_does_not_change_the_digest(rgba: np.ndarray, random) -> None:
    other = rgba.copy()
    other[other[..., 3] == 0, :3] = random.randrange(256)
    assert pixel_digest(rgba) == pixel_digest(other)
    visible = rgba.copy()
    visible[0, 0] = (visible[0, 0, 0] ^ 1, 0, 0, 255)
    assert pixel_digest(visible) != pixel_digest(rgba)


def test_hidden_colour_counts_where_alpha_hides_nothing() -> None:
    one, other = np.zeros((2, 2, 4), np.uint8), np.full((2, 2, 4), (9, 9, 9, 0), np.uint8)
    assert pixel_digest(one) == pixel_digest(other)
    assert pixel_digest(one, hidden=True) != pixel_digest(other, hidden=True)


def test_shape_is_part_of_the_digest() -> None:
    assert pixel_digest(np.ones((2, 8, 4), np.uint8)) != pixel_digest(np.ones((8, 2, 4), np.uint8))


# ---- the store


@settings(deadline=None, max_examples=50)
@given(png=st.binary(max_size=200), facts=st.dictionaries(st.text(), json_values, max_size=4))
def test_what_was_put_is_got(
    tmp_path_factory: pytest.TempPathFactory, png: bytes, facts: dict[str, object]
) -> None:
    store = ResultStore(tmp_path_factory.mktemp("store"))
    put = store.put(KEY, png, facts)
    assert store.get(KEY) == put
    assert (put.png, put.facts) == (png, facts)
    assert store.has(KEY)


def test_nothing_is_got_from_an_empty_store(tmp_path: Path) -> None:
    assert ResultStore(tmp_path / "none").get(KEY) is None
    assert not ResultStore(tmp_path / "none").has(KEY)


def entry(tmp_path: Path) -> tuple[ResultStore, Path, Path]:
    store = ResultStore(tmp_path)
    store.put(KEY, b"picture", {"seam_x": 1.25, "seam_y": None})
    folder = tmp_path / KEY[:2]
    return store, folder / f"{KEY}.png", folder / f"{KEY}.json"


@pytest.mark.parametrize("which", ["png", "json"])
def test_every_torn_or_flipped_entry_counts_as_absent(tmp_path: Path, which: str) -> None:
    store, png, sidecar = entry(tmp_path)
    path = png if which == "png" else sidecar
    whole = path.read_bytes()
    torn = [whole[:length] for length in range(0, len(whole), 3)]
    flipped = [
        whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :] for place in range(0, len(whole), 3)
    ]
    for damaged in (*torn, *flipped, whole + b"x"):
        store.put(KEY, b"picture", {"seam_x": 1.25, "seam_y": None})
        path.write_bytes(damaged)
        assert store.get(KEY) is None
        assert not png.exists(), "a damaged entry is removed"
        assert not sidecar.exists()


@pytest.mark.parametrize(
    "sidecar", [b"[]", b'{"facts": 1}', b"[" * 100_000, b"\xff", b'{"facts": {"x": NaN}}']
)
def test_a_strange_sidecar_counts_as_absent(tmp_path: Path, sidecar: bytes) -> None:
    store, _, path = entry(tmp_path)
    path.write_bytes(sidecar)
    assert store.get(KEY) is None


def test_an_entry_under_another_name_counts_as_absent(tmp_path: Path) -> None:
    store, png, sidecar = entry(tmp_path)
    other = KEY[:2] + KEY[2:][::-1]
    png.rename(png.with_name(f"{other}.png"))
    sidecar.rename(sidecar.with_name(f"{other}.json"))
    assert store.get(other) is None


def test_a_picture_without_its_sidecar_counts_as_absent(tmp_path: Path) -> None:
    store, _, sidecar = entry(tmp_path)
    sidecar.unlink()
    assert store.get(KEY) is None
    assert not store.has(KEY)


def test_a_record_says_what_was_put_without_the_picture(tmp_path: Path) -> None:
    store, png, _ = entry(tmp_path)
    record, whole = store.record(KEY), store.get(KEY)
    assert record is not None
    assert whole is not None
    assert (record.sha256, record.facts) == (whole.sha256, whole.facts)
    png.write_bytes(b"PICTURE")
    assert store.record(KEY) == record, "its bytes are not read"
    png.write_bytes(b"short")
    assert store.record(KEY) is None
    png.unlink()
    assert store.record(KEY) is None


def test_a_torn_or_flipped_sidecar_has_no_record(tmp_path: Path) -> None:
    store, _, sidecar = entry(tmp_path)
    whole = sidecar.read_bytes()
    for place in range(len(whole)):
        for damaged in (whole[:place], whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :]):
            sidecar.write_bytes(damaged)
            assert store.record(KEY) is None


# ---- the lock


def test_a_folder_is_held_once(tmp_path: Path) -> None:
    with Lock(tmp_path / "out"):
        with pytest.raises(PackError, match=rf"another run is writing to .*out \(process {os.getpid()}\)"):
            Lock(tmp_path / "out").__enter__()
        with Lock(tmp_path / "other"):
            pass
    with Lock(tmp_path / "out"):
        pass
    assert (tmp_path / "out" / ".lock").read_bytes() == b""


def test_the_lock_is_dropped_on_an_error(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="inside"), Lock(tmp_path):
        raise RuntimeError("inside")
    with Lock(tmp_path):
        pass


def test_a_killed_run_leaves_no_lock(tmp_path: Path) -> None:
    code = (
        "import sys, time, pathlib; from texpipe.storage.lock import Lock\n"
        "with Lock(pathlib.Path(sys.argv[1])): print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        with pytest.raises(PackError, match=str(process.pid)):
            Lock(tmp_path).__enter__()
        process.send_signal(signal.SIGKILL)
        process.wait()
    with Lock(tmp_path):
        assert (tmp_path / ".lock").read_text() == f"{os.getpid()}\n"


def test_a_record_is_read_again_only_if_its_files_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = ResultStore(tmp_path)
    store.put(KEY, b"png", {"psnr": 1.0})
    known = store.record(KEY)
    reads: list[Path] = []

    def read(file: Path, limit: int) -> bytes:
        reads.append(file)
        return file.read_bytes()

    monkeypatch.setattr("texpipe.storage.results.read_small", read)
    assert store.record(KEY) == known
    assert reads == []
    store.put(KEY, b"other", {"psnr": 2.0})
    changed = store.record(KEY)
    assert changed is not None
    assert changed.facts == {"psnr": 2.0}
    next(tmp_path.glob("*/*.json")).unlink()
    assert store.record(KEY) is None


def test_a_store_goes_to_another_process_without_what_it_read(tmp_path: Path) -> None:
    store = ResultStore(tmp_path)
    before = len(pickle.dumps(store))
    store.put(KEY, b"png", {"psnr": 1.0})
    store.record(KEY)
    assert len(pickle.dumps(store)) == before
    assert pickle.loads(pickle.dumps(store)).record(KEY) == store.record(KEY)
