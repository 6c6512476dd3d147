"""The page of the workshop for tests: its requests without a browser, and a recipe with comments."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import numpy as np
from dumps import GAME

from texpipe.imaging.image_files import encode_png
from texpipe.probe.numbers import Numbers
from texpipe.probe.painting import painted
from texpipe.studio.columns import flat
from texpipe.studio.opening import Opening
from texpipe.studio.server import app_of
from texpipe.studio.workshop import Workshop

PORT, TOKEN = 8765, "a-secret"
RECIPE = """# My pack. Do not touch this line!
version: 1
name: 'mine'   # quoted on purpose
game: "THE LEGEND OF ZELDA"
input:   dump
output: out
model: tiny.safetensors
targets:
    - gliden64
rules:   # the first that fits decides

  # walls
  - match: {name: "*#00001000#*"}   # the stone
    colour: "off"
  - {match: {size: 16x16}, outline: hard}  # all of that size
# the end
"""


@dataclass(frozen=True)
class Answer:
    """What the server says."""

    status: int
    headers: dict[str, str]
    content: bytes

    def json(self) -> Any:
        return json.loads(self.content)


class Page:
    """What the page does, by requests alone."""

    def __init__(self, workshop: Workshop) -> None:
        self.workshop = workshop
        self.app = app_of(Opening.of(workshop), PORT, TOKEN)

    def ask(
        self,
        method: str,
        path: str,
        query: dict[str, str] | None = None,
        content: bytes = b"",
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """Send a request as a browser does; `headers` replace those of the page, "" leaves one out."""
        sent = {"host": f"127.0.0.1:{PORT}", "x-texpipe-token": TOKEN, **(headers or {})}
        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "root_path": "",
            "query_string": urlencode(query or {}).encode(),
            "headers": [(name.encode(), value.encode()) for name, value in sent.items() if value],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", PORT),
        }
        return asyncio.run(self._call(scope, content))

    async def _call(self, scope: dict[str, Any], content: bytes) -> Answer:
        told: list[Any] = []
        left = [{"type": "http.request", "body": content, "more_body": False}]

        async def receive() -> Any:
            return left.pop() if left else {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            told.append(message)

        await self.app(scope, receive, send)
        headers = {name.decode(): value.decode() for name, value in told[0]["headers"]}
        return Answer(told[0]["status"], headers, b"".join(one.get("body", b"") for one in told[1:]))

    def get(self, path: str, status: int = 200, **query: str) -> Any:
        answer = self.ask("GET", f"/api/{path}", query)
        assert answer.status == status, answer.content
        return answer.json()

    def textures(self, **query: str) -> dict[str, list[Any]]:
        """Return the columns of all textures, with a value for each name."""
        return flat(self.get("textures", **query))

    def post(self, path: str, status: int = 200, **body: object) -> Any:
        content = json.dumps({"version": self.workshop.draft.version, **body}).encode()
        answer = self.ask("POST", f"/api/{path}", content=content)
        assert answer.status == status, answer.content
        return answer.json()

    def picture(self, path: str, **query: str) -> bytes:
        answer = self.ask("GET", f"/api/{path}", query)
        assert answer.status == 200, answer.content
        return answer.content

    def put(self, name: str, png: bytes, status: int = 200, **query: str) -> Any:
        answer = self.ask("PUT", "/api/override", {"name": name, **query}, png)
        assert answer.status == status, answer.content
        return answer.json()

    def decide(self, *names: str, scope: tuple[str, ...] = (), status: int = 200, **settings: object) -> Any:
        dotted = {key.replace("_", "."): value for key, value in settings.items()}
        return self.post("decide", status, names=list(names), scope=list(scope), set=dotted)


def screen_with(numbers: Numbers, *names: str) -> bytes:
    """Return a grey screen of 480 x 360 as PNG with up to two numbered textures on it, the larger one first."""
    shot = np.full((360, 480, 4), 120, np.uint8)
    shot[..., 3] = 255
    for place, name in enumerate(names):
        number, side = numbers.names.index(name) + 1, 32 - 16 * place
        shown = painted(np.full((side, side, 4), 255, np.uint8), 4, numbers.book.rings[number - 1], number)
        shot[40 : 40 + 4 * side, 20 + 200 * place : 20 + 200 * place + 4 * side] = shown
    return encode_png(shot)


def name_of(number: int) -> str:
    return f"{GAME}#{0x1000 + number:08X}#0#2_all.png"
