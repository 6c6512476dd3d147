"""Any history of an output folder with hand-made pictures beside it: painted, taken away, adopted from the pack."""

from __future__ import annotations

from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule, run_state_machine_as_test
from packs import noise
from test_any_history import NUMBERS, STEPS_PER_HISTORY, History, name_of

from texpipe.errors import PackError
from texpipe.imaging.image_files import encode_png
from texpipe.output.adopt import adopt
from texpipe.output.result import RunResult

HISTORIES = 8
"""200 steps."""


class HandMadeHistory(History):
    """The same as `History`, with a folder of hand-made pictures; `painted` has all that were ever put there."""

    def __init__(self) -> None:
        super().__init__()
        self.by_hand = self.folder / "hd"
        self.by_hand.mkdir()
        self.painted: dict[str, set[bytes]] = {}

    @rule(number=NUMBERS, side=st.sampled_from([4, 5, 8, 16]))
    def paint(self, number: int, side: int) -> None:
        """A person who paints a texture anew gives up what was there for it."""
        self.take_away(number)
        self.drawn += 1
        data = encode_png(noise((side, side), 5000 + self.drawn))
        (self.by_hand / name_of(number)).write_bytes(data)
        self.painted[name_of(number)] = {data}

    @rule(number=NUMBERS)
    def take_away(self, number: int) -> None:
        """A person deletes a picture: what the pack has of it is the last there is."""
        file = self.by_hand / name_of(number)
        if not file.is_file():
            return
        data = file.read_bytes()
        file.unlink()
        if data not in self._kept():
            for contents in (*self.made.values(), *self.painted.values()):
                contents.discard(data)

    @rule(replace=st.booleans())
    def adopt(self, replace: bool) -> None:
        before = self._pack_files()
        try:
            done = adopt(self.pack, self.by_hand, replace=replace)
        except PackError:  # no run has finished yet
            done = None
        assert self._pack_files() == before
        for name in done.files if done else ():
            self.painted.setdefault(name, set()).add((self.by_hand / name).read_bytes())

    @rule()
    def adopt_and_run(self) -> None:
        """Nothing of what was adopted is called edited afterwards."""
        try:
            adopted = {*adopt(self.pack, self.by_hand, replace=True).files}
        except PackError:
            return
        for name in adopted:
            self.painted.setdefault(name, set()).add((self.by_hand / name).read_bytes())
        result = self._run(self.pack, remove=True)
        made = {entry.source: entry.by for entry in result.manifest.textures if entry.source in adopted}
        assert all(by is None or by.kind in ("hand", "foreign") for by in made.values()), made
        self._finished(result)

    def _run(self, output: Path, **options: object) -> RunResult:
        return super()._run(output, overrides=[self.by_hand], **options)

    def _kept(self) -> set[bytes]:
        folders = (self.pack, self.pack / ".backup", self.by_hand)
        files = (path for folder in folders for path in folder.rglob("*.png"))
        return {path.read_bytes() for path in files if path.is_file()}

    @invariant()
    def nothing_made_by_a_person_is_lost(self) -> None:
        kept = self._kept()
        for path, contents in {**self.made, **self.painted}.items():
            there = (self.pack / path).read_bytes() if (self.pack / path).is_file() else b""
            assert contents <= kept | {there}, path


def test_nothing_is_lost_and_a_pack_does_not_depend_on_its_history() -> None:
    run_state_machine_as_test(
        HandMadeHistory,
        settings=settings(
            settings.default,
            max_examples=HISTORIES,
            stateful_step_count=STEPS_PER_HISTORY,
            suppress_health_check=list(HealthCheck),
            deadline=None,
        ),
    )
