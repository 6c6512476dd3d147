"""Everything that the server holds: a recipe's draft, the dump, and what is done with them."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from texpipe.analysis.cache import AnalysisCache
from texpipe.analysis.inventory import Survey
from texpipe.analysis.survey import Found, survey
from texpipe.errors import ModelError, PackError, SourceError, UsageError
from texpipe.manifest.file import read_manifest
from texpipe.manifest.schema import Entry
from texpipe.options import RunOptions
from texpipe.output.places import require_separate_places
from texpipe.pipeline import Watch
from texpipe.planning.load_options import load_options
from texpipe.planning.overrides import Overrides, find_overrides
from texpipe.recipe.group_rules import GroupRule
from texpipe.recipe.load import LoadedRecipe
from texpipe.recipe.schema import Match
from texpipe.recipe.yaml_positions import read_yaml
from texpipe.storage.layout import OutputLayout
from texpipe.storage.lock import Lock
from texpipe.studio.decisions import Settings, likeness, merged, new_rules, require_known, together
from texpipe.studio.draft import Draft
from texpipe.studio.dump import Dump
from texpipe.studio.folder_state import FolderState
from texpipe.studio.known_models import KnownModels
from texpipe.studio.live_play import LivePlay
from texpipe.studio.notices import Notices
from texpipe.studio.reviews import Reviews
from texpipe.studio.rule_text import Raw, with_entries, with_rule, with_rules, without_entry
from texpipe.studio.run_process import RunProcess
from texpipe.studio.split_pictures import Piece, declared_pieces, new_group


class StaleError(UsageError):
    """Another page changed the draft first."""


class Workshop:
    """A recipe that is being worked on, with its dump.

    Its methods may be called from several threads; each change is made whole before the next.

    Args:
        recipe: the file.
        device: as `upscale.device.choose` takes it.
        cache: what is known of the dump already.
        progress: called after each texture that is read.
        found: called with each texture that can be read, as `survey` calls it.

    Raises:
        RecipeError, UsageError: the recipe has mistakes.
        SourceError: the input cannot be read or holds no texture.
    """

    def __init__(
        self,
        recipe: Path,
        *,
        device: str = "auto",
        cache: AnalysisCache | None = None,
        progress: Watch = lambda _: None,
        found: Found = lambda texture, fingerprint: None,
    ) -> None:
        self.lock = threading.RLock()
        self.notices = Notices()
        self.draft = Draft.open(recipe, self.notices)
        self.loaded: LoadedRecipe = self.draft.loaded()
        self.options: RunOptions = load_options(recipe, device=device)
        require_separate_places(self.options)
        self.models = KnownModels()
        output = self.options.output
        self.cache = cache.moved_beside(output) if cache else AnalysisCache.beside(output)
        seen = self._survey(progress, found)
        if not seen.items:
            raise SourceError(
                f"there are no textures that can be read in {', '.join(map(str, self.options.inputs))}",
                hint="Point the recipe's `input` at the folder that your emulator dumps its textures to.",
            )
        self._keep_analyses()
        with suppress(ModelError):  # a run tells it
            self.models.of(self.loaded.recipe)
        self.dump = Dump.of(seen, self.loaded.recipe)
        self.reviews = Reviews(recipe, self.notices)
        self.run = RunProcess(recipe, self.options.output, device)
        self.by_hand = FolderState()
        self.looks = 1
        self.live = LivePlay(recipe, device, self.look_again)
        self._pieces: tuple[int, Mapping[str, Piece]] | None = None
        self._overrides: tuple[object, Overrides] | None = None
        self._entries: tuple[float, Mapping[str, Entry]] = (0.0, {})

    def _survey(self, progress: Watch, found: Found) -> Survey:
        return survey(
            self.options.inputs,
            self.loaded.recipe,
            exclude=self.options.output,
            cache=self.cache,
            progress=progress,
            found=found,
        )

    def look_again(self) -> None:
        """Look for textures that came or changed since; those that are gone leave the list.

        Raises:
            SourceError: the input cannot be read.
        """
        seen = self._survey(lambda _: None, lambda texture, fingerprint: None)
        if seen.items:
            with self.lock:
                self.dump = Dump.of(seen, self.loaded.recipe)
                self._pieces = self._overrides = None
                self.looks += 1

    def _keep_analyses(self) -> None:
        """Keep what was found in each texture for the next start, if the output can be written and is not in use."""
        with suppress(PackError), Lock(self.options.output):
            self.cache.keep()

    def state(self) -> tuple[int, int]:
        """Return another value after every change of the draft or of the textures."""
        return self.draft.version, self.looks

    def require_version(self, version: object) -> None:
        """Check that a page has seen the last change.

        Raises:
            StaleError: it has not.
        """
        if version != self.draft.version:
            raise StaleError(
                "something was changed meanwhile in another page", hint="Look at it, then decide again."
            )

    def meant(self, names: Sequence[str], scope: Sequence[str]) -> list[str]:
        """Return the textures that a decision is about: the named ones, or all that are like the first.

        Raises:
            UsageError, SourceError: none is named, a name is unknown, or so is a respect in which to be alike.
        """
        if not names:
            raise UsageError("no texture is selected")
        if not scope:
            return [self.dump.item(name).source.name for name in dict.fromkeys(names)]
        like = likeness(self.dump, names[0], [one for one in scope if one != "group"])
        fitting = self.dump.fitting(Match.model_validate(like))
        if "group" not in scope:
            return fitting
        piece = self.pieces().get(names[0])
        if piece is None:
            raise UsageError(f"{names[0]} is no piece of a split picture that the recipe declares")
        return [
            name for name in fitting if name in self.pieces() and self.pieces()[name].group == piece.group
        ]

    def decide(self, names: Sequence[str], scope: Sequence[str], settings: Settings) -> tuple[list[str], int]:
        """Change the draft so that its rules decide as somebody did.

        Args:
            names: the textures selected.
            scope: in what others are to be like the first, to be meant too; empty for these alone.
            settings: as `decisions.Settings`.

        Returns:
            The textures that this is about, and how many rules more there are.

        Raises:
            UsageError, SourceError: as `meant` and `decisions.require_known`.
            RecipeError: a value cannot be; nothing is changed.
        """
        require_known(settings)
        with self.lock:
            about = self.meant(names, scope)
            rules = self._raw_rules()
            text, new = self._rewritten(rules, about, scope, settings)
            self.loaded = self.draft.change(with_rules(text, new))
            self.dump = self.dump.with_rules(self.loaded.recipe, len(new), about)
            return about, len(new)

    def _rewritten(
        self, rules: Sequence[Raw], about: Sequence[str], scope: Sequence[str], settings: Settings
    ) -> tuple[str, list[Raw]]:
        """Return the draft with rules that are about the same textures changed in place, and the rules to add."""
        alike = bool(scope) and "group" not in scope
        matches = [(likeness(self.dump, about[0], scope), about)] if alike else together(about)
        text, new = self.draft.body(), list[Raw]()
        for match, names in matches:
            deciding = self.dump.deciding(names)
            changed = self._in_place(text, rules, match, deciding, settings)
            if changed is None:
                new += new_rules(rules, match, deciding, settings)
            else:
                text = changed
        return text, new

    @staticmethod
    def _in_place(
        text: str,
        rules: Sequence[Raw],
        match: Mapping[str, Any],
        deciding: Mapping[int, Sequence[str]],
        settings: Settings,
    ) -> str | None:
        """Change the one rule that is about exactly these textures; None if there is none such."""
        number = next(iter(deciding))
        if len(deciding) > 1 or not number or rules[number - 1]["match"] != match:
            return None
        rule = {"match": dict(match), **merged(rules[number - 1], settings)}
        return with_rule(text, number, rule)

    def _raw_rules(self) -> list[Raw]:
        value = read_yaml(self.draft.body()).value
        rules = value.get("rules") if isinstance(value, dict) else None
        return [rule for rule in rules if isinstance(rule, dict)] if isinstance(rules, list) else []

    def raw_rule(self, name: str) -> Raw:
        """Return the rule that decides about a texture as the draft has it; an empty one if none does."""
        number = self.dump.rules[self.dump.place(name)]
        return self._raw_rules()[number - 1] if number else {}

    def pieces(self) -> Mapping[str, Piece]:
        """Return the pieces of the split pictures that the draft declares, by texture."""
        if self._pieces is None or self._pieces[0] != self.draft.version:
            self._pieces = self.draft.version, declared_pieces(self.dump.seen.items, self.loaded.recipe)
        return self._pieces[1]

    def group(self, names: Sequence[str], columns: int, overlap: int, title: str | None = None) -> list[str]:
        """Declare in the draft that textures are the pieces of one picture; return all of its pieces.

        Args:
            names: the pieces in rows from the top left.
            columns, overlap, title: as `new_group`.

        Raises:
            UsageError, SourceError: a name is unknown, one is a piece already, or it is no picture.
            RecipeError: a value cannot be; nothing is changed.
        """
        with self.lock:
            known = [self.dump.item(name).source.name for name in names]
            taken = next((name for name in known if name in self.pieces()), None)
            if taken is not None:
                group = self.pieces()[taken].group
                raise UsageError(f"{taken} is a piece of {group} already", hint="Ungroup that first.")
            entry = new_group(self.loaded.recipe, known, columns, overlap, title)
            self.loaded = self.draft.change(with_entries(self.draft.body(), "groups", [entry]))
            return known

    def ungroup(self, name: str) -> list[str]:
        """Take the declaration of the picture that a texture is a piece of out of the draft; return its pieces.

        Raises:
            UsageError: the recipe declares none.
        """
        with self.lock:
            piece = self.pieces().get(self.dump.item(name).source.name)
            entries = self.loaded.recipe.groups
            number = next(
                (
                    number
                    for number, one in enumerate(entries)
                    if piece is not None and isinstance(one, GroupRule) and one.name == piece.group
                ),
                None,
            )
            if piece is None or number is None:
                raise UsageError(
                    f"the recipe declares no split picture with {name}",
                    hint="One that was found by `groups: auto` is no longer joined without that word.",
                )
            members = [one for one, other in self.pieces().items() if other.group == piece.group]
            self.loaded = self.draft.change(without_entry(self.draft.body(), "groups", number))
            return members

    def step(self, way: str) -> list[str]:
        """Undo or redo, and return the textures that another rule decides about since, or other words of one."""
        with self.lock:
            self.draft.undo() if way == "undo" else self.draft.redo()
            return self._decided_anew()

    def reload(self) -> list[str]:
        """Read the recipe's file again, and return the textures about which it decides otherwise.

        Raises:
            RecipeError: it has mistakes; nothing is changed.
            UsageError: it names other inputs, which are read only at the start.
        """
        with self.lock:
            before = self.loaded.inputs
            self.draft.reload()
            about = self._decided_anew()
            if self.loaded.inputs != before:
                raise UsageError("the recipe names another input now", hint="Start texpipe studio again.")
            return about

    def _decided_anew(self) -> list[str]:
        old, old_recipe = self.dump, self.loaded.recipe
        self.loaded = self.draft.loaded()
        self.dump = Dump.of(old.seen, self.loaded.recipe)
        return self.dump.planned_otherwise(self.loaded.recipe, old, old_recipe)

    def overrides(self) -> Overrides:
        """Return the hand-made pictures; none where their folder is not there."""
        folders = tuple(folder for folder in self.loaded.overrides if folder.is_dir())
        now = folders, self.by_hand.look(folders)
        if self._overrides is None or self._overrides[0] != now:
            self._say_missing()
            self._overrides = now, find_overrides(folders, self.dump.seen.inventory)
        return self._overrides[1]

    def _say_missing(self) -> None:
        for folder in self.loaded.overrides:
            if not folder.is_dir():
                self.notices.say(
                    f"The folder of hand-made pictures {folder} was not there: none of its pictures are shown, and a "
                    "run stops without it. Connect the drive that it is on."
                )

    def made_at(self) -> float:
        """Return when the last run wrote its manifest, in seconds; 0 without one."""
        self.entries()
        return self._entries[0]

    def entries(self) -> Mapping[str, Entry]:
        """Return what the last run said of each texture; nothing without a manifest that can be read."""
        file = OutputLayout(self.options.output).manifest
        try:
            changed = file.stat().st_mtime
            if changed != self._entries[0]:
                known = {entry.source: entry for entry in read_manifest(file).textures}
                self._entries = changed, known
        except (OSError, PackError):
            return {}
        return self._entries[1]
