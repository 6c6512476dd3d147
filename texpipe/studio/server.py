"""The server of `texpipe studio`: its routes, its errors, and the port that it listens on."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Callable
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
from texpipe.studio.guard import Guard, TooLargeError, error_response
from texpipe.studio.workshop import StaleError, Workshop

_STATIC = Path(__file__).parent / "static"

# The first that fits an error: status and code.
_ERRORS: tuple[tuple[type[Exception], int, str], ...] = (
    (StaleError, 409, "conflict"),
    (ChangedError, 409, "changed"),
    (ExistsError, 409, "exists"),
    (UnsavedError, 409, "unsaved"),
    (UsageError, 422, "invalid"),
    (SourceError, 404, "unknown"),
    (TexpipeError, 422, "invalid"),
)


def app_of(workshop: Workshop, port: int, token: str) -> Guard:
    """Return the ASGI application of a workshop, guarded.

    Args:
        workshop: the recipe and its dump.
        port: that it will be reached at.
        token: what the page must know.
    """
    api = Api(workshop, f"texpipe-{port}", token)
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
        Route("/api/undo", api.step, methods=["POST"]),
        Route("/api/redo", api.step, methods=["POST"]),
        Route("/api/reload", api.reload, methods=["POST"]),
        Route("/api/diff", api.diff),
        Route("/api/save", api.save, methods=["POST"]),
        Route("/api/review", api.review, methods=["POST"]),
        Route("/api/override", api.override, methods=["PUT"]),
        Route("/api/run", api.run, methods=["GET", "POST"]),
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


def serve(workshop: Workshop, *, port: int = 0, opened: Callable[[str], None] = lambda _: None) -> None:
    """Serve a workshop on this computer alone until Ctrl-C; then a run is paused, and its results are kept.

    Args:
        workshop: the recipe and its dump.
        port: to listen on; 0 for a free one.
        opened: called with the address of the page, token and all, when it can be opened.

    Raises:
        UsageError: the port is taken.
    """
    with _listening(port) as listener:
        port, token = listener.getsockname()[1], secrets.token_urlsafe(32)
        config = uvicorn.Config(
            app_of(workshop, port, token),
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=1,
        )
        opened(f"http://127.0.0.1:{port}/#token={token}")
        try:
            uvicorn.Server(config).run(sockets=[listener])
        finally:
            workshop.run.close()


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
