"""Keeps strangers out: other pages in the same browser, other names for this computer, other users of it."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse

from texpipe.read.decode import MAX_BYTES

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

HEADER = "x-texpipe-token"
_POLICY = (
    "default-src 'self'; img-src 'self' blob: data:; object-src 'none'; base-uri 'none'; "
    "frame-ancestors 'none'; form-action 'none'"
)
_HEADERS = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "x-frame-options": "DENY",
}


class TooLargeError(Exception):
    """A request has more bytes than any picture may have."""


class Guard:
    """Lets only requests of the page itself through.

    A page of another site can neither read the token nor send its cookie; one that makes its own name mean this
    computer (DNS rebinding) has another `Host`.

    Args:
        app: what is guarded.
        port: that the server listens on.
        token: a secret that the page was opened with.
    """

    def __init__(self, app: App, port: int, token: str) -> None:
        self._app = app
        self._hosts = (f"127.0.0.1:{port}", f"localhost:{port}")
        self._token = token
        self.cookie = f"texpipe-{port}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers[name] = value
                headers.setdefault("cache-control", "no-store")
            await send(message)

        refused = self._refusal(scope)
        if refused is not None:
            return await refused(scope, receive, sent)
        return await self._app(scope, _limited(receive), sent)

    def _refusal(self, scope: Scope) -> JSONResponse | None:
        headers = Headers(scope=scope)
        origin = headers.get("origin")
        if headers.get("host") not in self._hosts:
            return error_response(403, "forbidden", "this name is not the one that texpipe studio answers to")
        if origin is not None and origin not in [f"http://{host}" for host in self._hosts]:
            return error_response(403, "forbidden", "the request comes from a page of another site")
        if scope["path"].startswith("/api/") and not self._knows_token(headers):
            return error_response(
                401,
                "token",
                "the page was opened without its token",
                "Use the address that texpipe studio printed.",
            )
        return None

    def _knows_token(self, headers: Headers) -> bool:
        given = headers.get(HEADER) or _cookie_in(headers, self.cookie)
        return hmac.compare_digest(given.encode(), self._token.encode())


def _cookie_in(headers: Headers, name: str) -> str:
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(name)
    except CookieError:
        return ""
    return "" if found is None else found.value


def _limited(receive: Receive) -> Receive:
    """Return the same request, which ends with an error when it is too large."""
    seen = 0

    async def counted() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > MAX_BYTES:
            raise TooLargeError
        return message

    return counted


def error_response(status: int, code: str, message: str, hint: str | None = None) -> JSONResponse:
    """Return an error as the page expects it; see docs/studio-api.md."""
    return JSONResponse({"error": {"code": code, "message": message, "hint": hint}}, status)
