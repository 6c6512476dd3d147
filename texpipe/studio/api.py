"""What each request of the page is answered with; docs/studio-api.md says what they are."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from texpipe.errors import ModelError, UsageError
from texpipe.live.probe_pack import look_at, probe_output
from texpipe.networks.catalogue import installed
from texpipe.probe.numbers import read_numbers
from texpipe.studio.by_hand import put_override, shown, to_edit
from texpipe.studio.columns import columns, first_columns, flat
from texpipe.studio.decisions import SCOPES, choices
from texpipe.studio.editors import open_in_editor
from texpipe.studio.guard import error_response
from texpipe.studio.opening import Opening
from texpipe.studio.preview import Previews, reduced, settings_of, source_picture
from texpipe.studio.workshop import Workshop

_LOOKS = 0.3
"""Seconds between two looks for something to tell the page."""


class UnsavedError(UsageError):
    """A run would follow the recipe's file, which is not what was decided."""


class Api:
    """The answers of one server.

    Args:
        opening: of a recipe and its dump.
        cookie: name of the cookie that the page gets.
        token: its value.
        open_file: opens a picture for somebody to change it.
    """

    def __init__(
        self,
        opening: Opening,
        cookie: str,
        token: str,
        open_file: Callable[[Path], None] = open_in_editor,
    ) -> None:
        self._opening = opening
        self._open_file = open_file
        self._cookie, self._token = cookie, token
        self._previews: Previews | None = None

    @property
    def workshop(self) -> Workshop:
        """The recipe and its dump; StillReadingError until all textures are read."""
        return self._opening.workshop()

    @property
    def previews(self) -> Previews:
        """What makes pictures; as `workshop`."""
        with self.workshop.lock:
            if self._previews is None:
                self._previews = Previews(self.workshop)
            return self._previews

    async def session(self, request: Request) -> Response:
        """Give the page its cookie; the guard has seen the token."""
        response = JSONResponse({})
        response.set_cookie(self._cookie, self._token, httponly=True, samesite="strict", path="/")
        return response

    async def state(self, request: Request) -> Response:
        """Say how things stand."""
        return await _answer(self._state)

    def _state(self) -> dict[str, Any]:
        if not self._opening.is_open:
            return {**self._changing(), "recipe": {"name": self._opening.given.name}}
        workshop = self.workshop
        with workshop.lock:
            recipe, draft, seen = workshop.loaded.recipe, workshop.draft, workshop.dump.seen
            return {
                **self._changing(),
                "recipe": {
                    "path": str(draft.file),
                    "name": recipe.name,
                    "model": list(recipe.model),
                    "detail": recipe.detail,
                    "scale": recipe.scale,
                    "targets": [target.name for target in recipe.targets],
                    "rules": len(recipe.rules),
                    "output": str(workshop.options.output),
                },
                "undo": len(draft.past),
                "redo": len(draft.future),
                "textures": len(seen.items),
                "unreadable": len(seen.failures),
                "fields": {
                    **choices(),
                    "model": [*installed(), *recipe.models],
                    "detail": {"min": 0, "max": 1},
                    "cells": "WxH",
                },
                "scopes": ["name", *SCOPES],
            }

    def _changing(self) -> dict[str, Any]:
        """Return what may change without a request of the page that looks."""
        reading = self._opening.progress()
        if reading is not None:
            error = self._opening.error
            return {"version": 0, "reading": reading, "error": None if error is None else str(error)}
        workshop = self.workshop
        return {
            "reading": None,
            "version": workshop.draft.version,
            "dirty": workshop.draft.is_dirty,
            "changed_on_disk": workshop.draft.changed_on_disk(),
            "run": workshop.run.status(),
            "live": workshop.live.status(),
            "seen": [workshop.looks, workshop.made_at()],
            "by_hand": workshop.by_hand.glance(workshop.loaded.overrides),
            "reviews": workshop.reviews.counts(),
            "notices": [vars(one) for one in workshop.notices.all()],
        }

    async def textures(self, request: Request) -> Response:
        """List all textures; when the page has them, begin to load the model, which it will need next."""
        if not self._opening.is_open:
            return await _answer(lambda: self._first_textures(request))
        answer = await _answer(lambda: {"version": self.workshop.draft.version, **columns(self.workshop)})
        answer.background = BackgroundTask(self._warm_up)
        return answer

    def _warm_up(self) -> None:
        with suppress(ModelError):  # a preview or a run tells it
            self.previews.warm_up()

    def _first_textures(self, request: Request) -> dict[str, Any]:
        start = request.query_params.get("from", "0")
        if not start.isdecimal():
            raise UsageError("from is no number of textures")
        return {"version": 0, **first_columns(self._opening.read_from(int(start[:9])))}

    async def texture(self, request: Request) -> Response:
        """Say everything about one texture."""
        name = _name(request)

        def one() -> dict[str, Any]:
            item = self.workshop.dump.item(name)
            plan = self.workshop.dump.plan(name, self.workshop.loaded.recipe)
            row = {key: values[0] for key, values in flat(columns(self.workshop, [name])).items()}
            identity = None if item.source.emulator is None else item.source.emulator.as_json()
            warnings = list(item.warnings)
            return {
                **row,
                "colours": self.workshop.dump.facts(name).colours,
                "decided_by": _fields(plan.decided_by),
                "warnings": warnings,
                "id": identity,
            }

        return await _answer(one)

    async def picture(self, request: Request) -> Response:
        """Show a texture as it is, or as it was made."""
        name, side = _name(request), _side(request)
        if request.query_params.get("what", "source") == "source":
            item = self._opening.item(name)
            return _png(await run_in_threadpool(source_picture, item, side))
        png = await run_in_threadpool(self._result, name, side)
        if png is None:
            return error_response(404, "unknown", f"{name} was not made yet as it is decided now")
        return _png(png)

    def _result(self, name: str, side: int | None) -> bytes | None:
        by_hand = shown(self.workshop, name)
        return self.previews.result(name, side) if by_hand is None else reduced(by_hand, side)

    async def preview(self, request: Request) -> Response:
        """Make a texture in another setting."""
        loop = asyncio.get_running_loop()
        begun = loop.time()
        settings = settings_of(request.query_params)
        made = await run_in_threadpool(self.previews.preview, _name(request), settings)
        headers = {
            "x-texpipe-seconds": f"{loop.time() - begun:.3f}",
            "x-texpipe-cached": str(int(made.cached)),
        }
        return Response(made.png, media_type="image/png", headers=headers)

    async def decide(self, request: Request) -> Response:
        """Change the draft, or count what would change."""
        asked = await _object(request)
        names, scope = _texts(asked, "names"), _texts(asked, "scope")
        scope = [] if "name" in scope else scope  # only one texture has a name
        settings = asked.get("set")
        if not isinstance(settings, dict):
            raise UsageError("`set` is not an object of what is decided")

        def done() -> dict[str, Any]:
            with self.workshop.lock:
                if asked.get("preview"):
                    about = self.workshop.meant(names, scope)
                    return {"version": self.workshop.draft.version, "affected": len(about), "names": about}
                self.workshop.require_version(asked.get("version"))
                about, added = self.workshop.decide(names, scope, settings)
                return {**self._rows(about), "rules_added": added}

        return await _answer(done)

    async def group(self, request: Request) -> Response:
        """Declare a split picture."""
        asked = await _object(request)
        names, title = _texts(asked, "names"), asked.get("name")
        columns, overlap = asked.get("columns"), asked.get("overlap", 0)
        if not isinstance(columns, int) or not isinstance(overlap, int) or not isinstance(title, str | None):
            raise UsageError("columns and overlap are whole numbers, and a name is a text")
        return await self._changed(request, lambda: self.workshop.group(names, columns, overlap, title))

    async def ungroup(self, request: Request) -> Response:
        """Take the declaration of a split picture away."""
        names = _texts(await _object(request), "names")
        if not names:
            raise UsageError("no texture is selected")
        return await self._changed(request, lambda: self.workshop.ungroup(names[0]))

    async def step(self, request: Request) -> Response:
        """Undo or redo."""
        way = request.url.path.rpartition("/")[2]
        return await self._changed(request, lambda: self.workshop.step(way))

    async def reload(self, request: Request) -> Response:
        """Read the recipe's file again."""
        return await self._changed(request, self.workshop.reload)

    async def _changed(self, request: Request, change: Callable[[], list[str]]) -> Response:
        asked = await _object(request)

        def done() -> dict[str, Any]:
            with self.workshop.lock:
                self.workshop.require_version(asked.get("version"))
                return self._rows(change())

        return await _answer(done)

    def _rows(self, names: list[str]) -> dict[str, Any]:
        version = self.workshop.draft.version
        return {
            "version": version,
            "affected": len(names),
            "names": names,
            "rows": columns(self.workshop, names),
        }

    async def diff(self, request: Request) -> Response:
        """Show what saving would change."""
        draft = self.workshop.draft
        return await _answer(lambda: {"diff": draft.diff(), "version": draft.version})

    async def save(self, request: Request) -> Response:
        """Write the recipe."""
        asked = await _object(request)

        def done() -> dict[str, Any]:
            with self.workshop.lock:
                self.workshop.require_version(asked.get("version"))
                digest = self.workshop.draft.save()
                return {"version": self.workshop.draft.version, "sha256": digest}

        return await _answer(done)

    async def review(self, request: Request) -> Response:
        """Mark textures, or write a note about them."""
        asked = await _object(request)
        names = _texts(asked, "names")
        mark = (asked["mark"] or "") if "mark" in asked else None
        note = (asked["note"] or "") if "note" in asked else None
        if not isinstance(mark, str | None) or not isinstance(note, str | None):
            raise UsageError("a mark and a note are texts")

        def done() -> dict[str, Any]:
            with self.workshop.lock:
                known = [self.workshop.dump.item(name).source.name for name in names]
                self.workshop.reviews.put(known, mark, note)
                return {"reviews": self.workshop.reviews.counts()}

        return await _answer(done)

    async def override(self, request: Request) -> Response:
        """Take a picture that was made by hand."""
        name, data = _name(request), await request.body()
        replace = request.query_params.get("replace") == "1"

        def done() -> dict[str, Any]:
            file = put_override(self.workshop, name, data, replace=replace)
            return {"path": file.as_posix(), **self._rows([name])}

        return await _answer(done)

    async def screen(self, request: Request) -> Response:
        """Say which textures a screenshot of the pack that shows numbers has on it."""
        data = await request.body()

        def done() -> dict[str, Any]:
            seen = look_at(data, read_numbers(probe_output(self.workshop.options)))
            return {"shares": seen.shares, "unread": seen.unread}

        return await _answer(done)

    async def edit(self, request: Request) -> Response:
        """Open a texture's hand-made picture in the system's program for it; one is made if there is none."""
        name = str((await _object(request)).get("name"))

        def made() -> bytes:
            return self.previews.result(name) or self.previews.preview(name, {}).png

        def done() -> dict[str, Any]:
            file = to_edit(self.workshop, name, made)
            self._open_file(file)
            return {"path": file.as_posix(), **self._rows([name])}

        return await _answer(done)

    async def run(self, request: Request) -> Response:
        """Say how the run stands; or start, pause or stop it."""
        run = self.workshop.run
        if request.method == "GET":
            return JSONResponse(run.status())
        acts = {"start": self._start, "pause": run.pause, "stop": run.stop}
        act = acts.get(str((await _object(request)).get("do")))
        if act is None:
            raise UsageError("a run can be started, paused and stopped", hint='Send {"do": "start"}.')
        await run_in_threadpool(act)
        return JSONResponse(run.status())

    def _start(self) -> None:
        with self.workshop.lock:
            self._require_saved()
            self.workshop.run.start()

    def _require_saved(self) -> None:
        if self.workshop.draft.is_dirty:
            raise UnsavedError("what was decided is not saved", hint="Save it, then start.")

    async def live(self, request: Request) -> Response:
        """Say how upscaling during the game stands; or start or stop it, or have the whole pack written."""
        if request.method == "GET":
            return await _answer(lambda: self.workshop.live.status())
        asked = await _object(request)
        target, into = asked.get("target"), asked.get("into")
        if not isinstance(target, str | None) or not isinstance(into, str | None):
            raise UsageError("a target and a folder are texts")

        def start() -> None:
            with self.workshop.lock:
                self._require_saved()
                self.workshop.live.start(target or None, Path(into) if into else None)

        def done() -> dict[str, Any]:
            live = self.workshop.live
            act = {"start": start, "stop": live.stop, "write": live.write_now}.get(str(asked.get("do")))
            if act is None:
                raise UsageError("this can be started and stopped", hint='Send {"do": "start"}.')
            act()
            return live.status()

        return await _answer(done)

    async def events(self, request: Request) -> Response:
        """Tell the page what changes, until it is closed."""
        return StreamingResponse(self._told(request), media_type="text/event-stream")

    async def _told(self, request: Request) -> AsyncIterator[str]:
        last = ""
        while not await request.is_disconnected():
            now = json.dumps(await run_in_threadpool(self._changing))
            if now != last:
                last = now
                yield f"event: state\ndata: {now}\n\n"
            await asyncio.sleep(_LOOKS)


async def _answer(done: Callable[[], dict[str, Any]]) -> Response:
    return JSONResponse(await run_in_threadpool(done))


def _name(request: Request) -> str:
    name = request.query_params.get("name")
    if name is None:
        raise UsageError("no texture is named", hint="Add ?name=.")
    return name


def _side(request: Request) -> int | None:
    text = request.query_params.get("size")
    if text is None:
        return None
    if not text.isdecimal() or not 0 < int(text[:6]) <= 1 << 14:
        raise UsageError("size is no whole number of pixels")
    return int(text)


async def _object(request: Request) -> dict[str, Any]:
    try:
        asked = json.loads(await request.body() or b"{}")
    except (ValueError, RecursionError) as error:
        raise UsageError("the request is not JSON") from error
    if not isinstance(asked, dict):
        raise UsageError("the request is not a JSON object")
    return asked


def _texts(asked: dict[str, Any], key: str) -> list[str]:
    value = asked.get(key) or []
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise UsageError(f"`{key}` is not a list of texts")
    return value


def _png(png: bytes) -> Response:
    return Response(png, media_type="image/png", headers={"cache-control": "private, no-cache"})


def _fields(value: object) -> dict[str, Any]:
    return {name: getattr(value, name) for name in type(value).__dataclass_fields__}  # type: ignore[attr-defined]
