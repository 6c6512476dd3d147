"""The server of `texpipe studio`: its routes, its errors, and the port that it listens on."""

from __future__ import annotations

import asyncio
import logging
import secrets
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from texpipe.errors import SourceError, TexpipeError, UsageError
from texpipe.studio.api import Api, UnsavedError
from texpipe.studio.by_hand import ExistsError
from texpipe.studio.draft import ChangedError
from texpipe.studio.editors import open_in_editor
from texpipe.studio.guard import Guard, TooLargeError, error_response
from texpipe.studio.opening import Opening, StillReadingError
from texpipe.studio.workshop import StaleError

_LAST_WORDS = 1.0
"""Seconds that a page has to hear why nothing can be opened."""
_SWITCH_INTERVAL = 0.001
"""Seconds after which a thread of this process lets another one go on: a fifth of Python's own, because a picture for
the page takes milliseconds, and a plan of a large dump seconds."""
_BREAKS_OFF = "Cancel %s running task(s)"
"""How uvicorn's line begins that counts the answers that it breaks off."""
_STATIC = Path(__file__).parent / "static"

# The first that fits an error: status and code.
_ERRORS: tuple[tuple[type[Exception], int, str], ...] = (
    (StaleError, 409, "conflict"),
    (ChangedError, 409, "changed"),
    (ExistsError, 409, "exists"),
    (UnsavedError, 409, "unsaved"),
    (StillReadingError, 409, "reading"),
    (UsageError, 422, "invalid"),
    (SourceError, 404, "unknown"),
    (TexpipeError, 422, "invalid"),
)


def app_of(
    opening: Opening, port: int, token: str, open_file: Callable[[Path], None] = open_in_editor
) -> Guard:
    """Return the ASGI application of a workshop, guarded.

    Args:
        opening: of a recipe and its dump.
        port: that it will be reached at.
        token: what the page must know.
        open_file: opens a picture for somebody to change it.
    """
    api = Api(opening, f"texpipe-{port}", token, open_file)
    app = Starlette(
        routes=[
            Route("/", _page),
            Mount("/static", StaticFiles(directory=_STATIC, packages=[("texpipe.report", "static")])),
            *_routes(api),
        ],
        exception_handlers={TexpipeError: _explained, TooLargeError: _too_large},
    )
    return Guard(app, port, token)


def _routes(api: Api) -> list[Route]:
    return [
        Route("/api/session", api.session, methods=["POST"]),
        Route("/api/state", api.state),
        Route("/api/textures", api.textures),
        Route("/api/texture", api.texture),
        Route("/api/picture", api.picture),
        Route("/api/preview", api.preview),
        Route("/api/decide", api.decide, methods=["POST"]),
        Route("/api/group", api.group, methods=["POST"]),
        Route("/api/ungroup", api.ungroup, methods=["POST"]),
        Route("/api/edit", api.edit, methods=["POST"]),
        Route("/api/undo", api.step, methods=["POST"]),
        Route("/api/redo", api.step, methods=["POST"]),
        Route("/api/reload", api.reload, methods=["POST"]),
        Route("/api/diff", api.diff),
        Route("/api/save", api.save, methods=["POST"]),
        Route("/api/review", api.review, methods=["POST"]),
        Route("/api/override", api.override, methods=["PUT"]),
        Route("/api/screen", api.screen, methods=["PUT"]),
        Route("/api/run", api.run, methods=["GET", "POST"]),
        Route("/api/live", api.live, methods=["GET", "POST"]),
        Route("/api/events", api.events),
    ]


async def _page(request: Request) -> Response:
    return FileResponse(_STATIC / "index.html")


async def _explained(request: Request, error: Exception) -> Response:
    assert isinstance(error, TexpipeError)
    status, code = next((status, code) for kind, status, code in _ERRORS if isinstance(error, kind))
    problems = getattr(error, "problems", (error,))
    return error_response(status, code, "\n".join(map(str, problems)), error.hint)


async def _too_large(request: Request, error: Exception) -> Response:
    return error_response(413, "too_large", "the file is larger than any picture may be")


def serve(opening: Opening, *, port: int = 0, opened: Callable[[str], None] = lambda _: None) -> None:
    """Serve a workshop on this computer alone until Ctrl-C; then a run is paused, and its results are kept.

    The page can be opened before all textures are read.

    Args:
        opening: of a recipe and its dump.
        port: to listen on; 0 for a free one.
        opened: called with the address of the page, token and all, when it can be opened.

    Raises:
        UsageError: the port is taken.
        TexpipeError: the dump cannot be opened.
    """
    with _listening(port) as listener:
        port, token = listener.getsockname()[1], secrets.token_urlsafe(32)
        config = uvicorn.Config(
            app_of(opening, port, token),
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=1,
        )
        server = uvicorn.Server(config)
        sys.setswitchinterval(_SWITCH_INTERVAL)
        opening.begin(failed=lambda: _end_soon(server))
        opened(f"http://127.0.0.1:{port}/#token={token}")
        try:
            with _ends_quietly(server):
                server.run(sockets=[listener])
        finally:
            opening.close()
    if opening.error is not None:
        raise opening.error


@contextmanager
def _ends_quietly(server: uvicorn.Server) -> Iterator[None]:
    """Let a server that was told to end say nothing of the answers that it breaks off then: pictures take seconds."""

    def is_wanted(record: logging.LogRecord) -> bool:
        return not (server.should_exit and _is_of_an_end(record))

    log = logging.getLogger("uvicorn.error")
    log.addFilter(is_wanted)
    try:
        yield
    finally:
        log.removeFilter(is_wanted)


def _is_of_an_end(record: logging.LogRecord) -> bool:
    """Return whether a server says only that it breaks off an answer."""
    error = record.exc_info[1] if record.exc_info else None
    if error is not None:
        return isinstance(error, (asyncio.CancelledError, KeyboardInterrupt))
    return str(record.msg).startswith(_BREAKS_OFF)


def _end_soon(server: uvicorn.Server) -> None:
    """End a server that has nothing to show, when its page had the time to say why."""
    time.sleep(_LAST_WORDS)
    server.should_exit = True


def _listening(port: int) -> socket.socket:
    listener = socket.socket()
    try:
        listener.bind(("127.0.0.1", port))
        listener.listen()
    except OSError as error:
        listener.close()
        raise UsageError(
            f"port {port} cannot be used: {error.strerror or error}", hint="Give another --port, or none."
        ) from error
    return listener
