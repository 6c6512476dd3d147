"""Where everything lies in the output folder of a run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class OutputLayout:
    """The files and folders of a run's output, beside one folder for each target.

    Attributes:
        root: the output folder.
    """

    root: Path

    @property
    def manifest(self) -> Path:
        """What was done to each texture, and which files the packs have."""
        return self.root / "manifest.json"

    @property
    def run_info(self) -> Path:
        """What may differ between two runs of one recipe: times, versions, device."""
        return self.root / "run.json"

    @property
    def report(self) -> Path:
        """The folder of the report."""
        return self.root / "report"

    @property
    def lock(self) -> Path:
        """The file that the running process locks."""
        return self.root / ".lock"

    @property
    def store(self) -> Path:
        """The folder of results by key, and of what else is kept for later runs."""
        return self.root / ".store"

    @property
    def analysis_cache(self) -> Path:
        """What the last run found in each texture."""
        return self.store / "analysis"

    @property
    def computed_by(self) -> Path:
        """What computed in the last run: another device has results of its own."""
        return self.store / "computed-by"

    @property
    def journal(self) -> Path:
        """Which files of packs texpipe wrote."""
        return self.store / "written"

    @property
    def checked(self) -> Path:
        """Which files of packs kept all rules when they were last checked."""
        return self.store / "checked"

    @property
    def sizes(self) -> Path:
        """How many bytes textures take in packs, where that had to be found out for a budget."""
        return self.store / "sizes"

    @property
    def finished(self) -> Path:
        """What the last finished run began with and left behind, and what it said."""
        return self.store / "finished"

    @property
    def shard_marks(self) -> Path:
        """The folder of notes about finished shards."""
        return self.store / "shards"

    @property
    def backup(self) -> Path:
        """The folder of copies of what runs replaced or removed."""
        return self.root / ".backup"
