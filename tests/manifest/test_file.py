"""The manifest holds what its contract says, is the same text for the same run, and comes back as it was."""

from __future__ import annotations

import json
import re
import tracemalloc
from dataclasses import asdict, replace
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from texpipe.errors import PackError
from texpipe.manifest import file
from texpipe.manifest.file import read_manifest, write_manifest, write_run_info
from texpipe.manifest.schema import (
    Entry,
    Manifest,
    ModelId,
    Output,
    Provenance,
    RecipeId,
    as_json,
    entry_as_json,
    summarise,
)
from texpipe.relations import Frame, Spot, Variant
from texpipe.system.shell import quoted
from texpipe.texture import (
    AlphaClass,
    Decisions,
    EdgeMode,
    Edges,
    EmulatorName,
    FlatName,
    Metrics,
    Status,
    TexelFormat,
)

text = st.text(st.characters(codec="utf-8"), max_size=12)
digest = st.text("0123456789abcdef", min_size=64, max_size=64)
side = st.integers(1, 4096)
mode = st.sampled_from(get_args(EdgeMode))
number = st.none() | st.floats(-1000, 1000).map(lambda value: round(value, 4) + 0.0)
words = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc"], exclude_characters="/\\:"),
    min_size=1,
    max_size=12,
).filter(lambda word: word not in (".", ".."))
targets = st.sampled_from(["gliden64"])
outputs = st.builds(
    lambda target, parts, *rest: Output(target, "/".join([target, *parts]), *rest),
    targets,
    st.lists(words, min_size=1, max_size=3),
    digest,
    st.tuples(side, side),
    st.sampled_from([None, "edited", "foreign"]),
)
entries = st.builds(
    Entry,
    source=text,
    status=st.sampled_from(get_args(Status)),
    sha256=st.none() | digest,
    size=st.none() | st.tuples(side, side),
    id=st.none()
    | st.just(EmulatorName("gliden64", "GAME", "ci4", (("crc", "12345678"), ("fmt", 2))).as_json()),
    alpha=st.none() | st.sampled_from(get_args(AlphaClass)),
    edges=st.none() | st.builds(Edges, mode, mode),
    decided_by=st.none() | st.builds(Decisions, text, text, text, text),
    duplicate_of=st.none() | text,
    group=st.none() | text,
    variant=st.none() | st.builds(Variant, text, text),
    frame=st.none() | st.builds(Frame, text, side, text),
    spot=st.none() | st.builds(Spot, side, side, side, side, st.tuples(side, side), text),
    reason=st.none() | text,
    warnings=st.lists(text, max_size=2).map(tuple),
    format=st.none() | st.sampled_from(get_args(TexelFormat)),
    outputs=st.lists(outputs, max_size=2).map(tuple),
    metrics=st.none() | st.builds(Metrics, number, number, number, number),
    by=st.none()
    | st.builds(
        Provenance, st.sampled_from(["model", "copied"]), st.none() | text, st.none() | st.floats(0, 1)
    ),
)


def manifest(*textures: Entry) -> Manifest:
    return Manifest(
        texpipe="1.2.3",
        recipe=RecipeId("oot", "ab" * 32),
        model=ModelId("texpipe-x4", "cd" * 32, None),
        scale=4,
        targets=("gliden64",),
        textures=textures,
        summary=summarise(textures, ignored=3),
    )


WALL = Entry(
    source="walls/é.png",
    status="written",
    sha256="ef" * 32,
    size=(32, 64),
    alpha="opaque",
    edges=Edges("wrap", "clamp"),
    decided_by=Decisions("classify: a", "classify: b", "rule 2: wrap", "classify: d"),
    format="rgba16",
    outputs=(Output("gliden64", "gliden64/GAME/a.png", "01" * 32, (128, 256)),),
    metrics=Metrics(1.000049, None, -0.00001, float("nan")),
    by=Provenance("model", "texpipe-x4", 0.75),
)


SOUND = replace(WALL, metrics=Metrics(1.0, None, 0.5, None))


@settings(deadline=None, max_examples=40)
@given(st.lists(entries, max_size=4))
def test_round_trip(tmp_path_factory: pytest.TempPathFactory, textures: list[Entry]) -> None:
    path = tmp_path_factory.mktemp("m") / "manifest.json"
    before = manifest(*textures)
    write_manifest(path, before)
    assert read_manifest(path) == before


@settings(deadline=None, max_examples=40)
@given(st.lists(entries, max_size=5), st.randoms(use_true_random=False))
def test_the_order_of_the_work_never_shows(textures: list[Entry], random) -> None:
    unique = list({entry.source: entry for entry in textures}.values())
    shuffled = random.sample(unique, len(unique))
    assert as_json(manifest(*shuffled)) == as_json(manifest(*unique))


def test_shape_of_the_contract() -> None:
    top = as_json(manifest(WALL))
    assert list(top) == [
        "schema",
        "texpipe",
        "recipe",
        "model",
        "scale",
        "targets",
        "varies",
        "summary",
        "files",
        "textures",
    ]
    assert top["schema"] == "texpipe.manifest/1"
    assert top["model"] == {"name": "texpipe-x4", "sha256": "cd" * 32, "licence": None}
    assert json.loads(json.dumps(top["textures"][0])) == {
        "source": "walls/é.png",
        "sha256": "ef" * 32,
        "size": [32, 64],
        "id": None,
        "alpha": "opaque",
        "edges": {"x": "wrap", "y": "clamp"},
        "decided_by": {
            "action": "classify: a",
            "alpha": "classify: b",
            "x": "rule 2: wrap",
            "y": "classify: d",
        },
        "duplicate_of": None,
        "group": None,
        "spot": None,
        "variant": None,
        "frame": None,
        "mirror": None,
        "status": "written",
        "reason": None,
        "by": {"kind": "model", "model": "texpipe-x4", "detail": 0.75},
        "warnings": [],
        "format": "rgba16",
        "undecided": None,
        "outputs": [
            {"target": "gliden64", "path": "gliden64/GAME/a.png", "sha256": "01" * 32, "size": [128, 256]}
        ],
        "metrics": {
            "seam_x": 1.0,
            "seam_y": None,
            "colour_drift": 0.0,
            "alpha_coverage_drift": None,
            "source_seam_x": None,
            "source_seam_y": None,
            "box_distance": None,
            "repeat_x": None,
            "repeat_y": None,
            "repeat_step_x": None,
            "repeat_step_y": None,
        },
    }


def test_a_name_without_a_dictionary_reads_like_one() -> None:
    name = EmulatorName("gliden64", "GAME", "ci8", (("crc", "00000001"), ("fmt", 2)))
    flat = FlatName(name)
    assert flat == name.as_json()
    assert (flat["crc"], flat.get("palette"), len(flat)) == ("00000001", None, 5)
    plain, light = Entry("a", "written", id=name.as_json()), Entry("a", "written", id=flat)
    assert json.dumps(entry_as_json(plain)) == json.dumps(entry_as_json(light))


def test_a_texture_that_failed_still_has_every_key() -> None:
    failed = Entry("bad.png", "failed", reason="the file is empty")
    assert entry_as_json(failed).keys() == entry_as_json(WALL).keys()
    assert entry_as_json(failed)["metrics"] is None


def test_a_manifest_from_before_textures_said_who_made_them(tmp_path: Path) -> None:
    """It has no `by`, and is read all the same, by line and as a whole."""
    path = tmp_path / "manifest.json"
    write_manifest(path, manifest(SOUND))
    by_line = re.sub(r' {6}"by": \{[^}]*\},\n', "", path.read_text("utf-8"))
    assert '"by"' not in by_line
    for text in (by_line, json.dumps(json.loads(by_line))):
        path.write_text(text, "utf-8")
        assert read_manifest(path) == manifest(replace(SOUND, by=None))


def test_the_text_is_utf_8_with_plain_line_ends(tmp_path: Path) -> None:
    write_manifest(tmp_path / "manifest.json", manifest(WALL))
    data = (tmp_path / "manifest.json").read_bytes()
    assert "walls/é.png".encode() in data
    assert b"\r" not in data
    assert data.endswith(b"}\n")
    assert b"-0.0" not in data


def test_counts() -> None:
    twin = replace(WALL, source="twin", duplicate_of=WALL.source)
    others = [
        Entry(name, status)
        for name, status in (
            ("c", "copied"),
            ("s", "skipped"),
            ("f", "failed"),
            ("e", "edited"),
            ("o", "foreign"),
        )
    ]
    painted = replace(WALL, source="painted", by=Provenance("hand", file="painted.png", sha256="0" * 64))
    assert asdict(summarise([WALL, twin, painted, *others, Entry("g", "failed")], ignored=7)) == {
        "written": 3, "copied": 1, "skipped": 1, "failed": 2, "duplicates": 1, "ignored": 7,
            "edited": 1, "foreign": 1, "conflicts": 0, "by_hand": 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda m: m.update(schema="texpipe.manifest/9"), "schema"),
        (lambda m: m.pop("schema"), "schema"),
        (lambda m: m.update(scale="4"), "scale"),
        (lambda m: m.update(extra=1), "extra"),
        (lambda m: m.pop("textures"), "textures"),
        (lambda m: m["textures"][0].update(size=[32]), "size"),
        (lambda m: m["textures"][0].update(status="lost"), "status"),
        (lambda m: m["textures"][0].update(by={"kind": "magic"}), "kind"),
        (lambda m: m["textures"][0]["outputs"][0].update(sha256=5), "outputs"),
        (lambda m: m["summary"].update(written=True), "written"),
    ],
)
def test_a_manifest_of_another_shape_is_refused(tmp_path: Path, change, reason: str) -> None:
    path = tmp_path / "manifest.json"
    write_manifest(path, manifest(WALL))
    content = json.loads(path.read_text("utf-8"))
    change(content)
    for indent in (None, 2):
        path.write_text(json.dumps(content, indent=indent) + "\n", "utf-8")
        with pytest.raises(PackError, match=reason) as caught:
            read_manifest(path)
        assert caught.value.hint


def test_every_torn_manifest_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "manifest.json"
    write_manifest(path, manifest(WALL))
    whole = path.read_bytes()
    for length in range(0, len(whole) - 2, 7):
        path.write_bytes(whole[:length])
        with pytest.raises(PackError):
            read_manifest(path)


@pytest.mark.parametrize("data", [b"[]", b"null", b"\xff\xfe", b"[" * 100_000, b'{"schema": []}'])
def test_what_is_no_manifest_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "manifest.json"
    path.write_bytes(data)
    with pytest.raises(PackError):
        read_manifest(path)


@settings(deadline=None, max_examples=30)
@given(st.lists(entries, max_size=4))
def test_the_file_is_what_one_dump_of_everything_would_be(
    tmp_path_factory: pytest.TempPathFactory, textures: list[Entry]
) -> None:
    path = tmp_path_factory.mktemp("m") / "manifest.json"
    write_manifest(path, manifest(*textures))
    text = json.dumps(as_json(manifest(*textures)), indent=2, ensure_ascii=False) + "\n"
    assert path.read_bytes() == text.encode()


def test_a_manifest_is_written_and_read_texture_by_texture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "manifest.json"
    many = manifest(*(replace(SOUND, source=f"{number}.png") for number in range(3000)))
    write_manifest(path, many)
    tracemalloc.start()
    try:
        write_manifest(path, many)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < path.stat().st_size / 4
    monkeypatch.setattr(file, "_read_whole", None)
    assert read_manifest(path) == many


@pytest.mark.parametrize("indent", [None, 1, 4])
def test_a_manifest_in_another_layout_says_the_same(tmp_path: Path, indent: int | None) -> None:
    path = tmp_path / "manifest.json"
    before = manifest(SOUND, replace(SOUND, source="b.png"))
    path.write_text(json.dumps(as_json(before), indent=indent), "utf-8")
    assert read_manifest(path) == before


@pytest.mark.parametrize("cut", [b"    },\n", b"    {\n", b"  ]\n", b"}\n"])
def test_a_line_more_or_less_is_noticed(tmp_path: Path, cut: bytes) -> None:
    path = tmp_path / "manifest.json"
    write_manifest(path, manifest(WALL, replace(WALL, source="b.png")))
    data = path.read_bytes()
    for damaged in (data.replace(cut, b"", 1), data.replace(cut, cut * 2, 1), data + cut):
        path.write_bytes(damaged)
        with pytest.raises(PackError):
            read_manifest(path)


def test_a_missing_manifest_is_a_pack_error(tmp_path: Path) -> None:
    with pytest.raises(PackError, match="cannot read"):
        read_manifest(tmp_path / "manifest.json")


@pytest.mark.parametrize("part", ["gliden64", "gliden64/GAME"])
def test_a_part_of_a_pack_is_answered_with_its_output(tmp_path: Path, part: str) -> None:
    write_manifest(tmp_path / "out" / "manifest.json", manifest())
    (tmp_path / "out" / part).mkdir(parents=True)
    with pytest.raises(PackError) as caught:
        read_manifest(tmp_path / "out" / part / "manifest.json")
    assert f"name {quoted(tmp_path / 'out')}." in str(caught.value.hint)


def test_run_info_is_json(tmp_path: Path) -> None:
    write_run_info(tmp_path / "run.json", {"seconds": 1.5, "device": "cpu"})
    assert json.loads((tmp_path / "run.json").read_text()) == {"seconds": 1.5, "device": "cpu"}
