"""What a process opens, lists, links, removes or starts while it is watched, as Python's audit events tell."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence

_PATHS = {
    "open": (0,),
    "os.listdir": (0,),
    "os.scandir": (0,),
    "os.link": (0, 1),
    "os.symlink": (0, 1),
    "os.rename": (0, 1),
    "os.remove": (0,),
    "os.rmdir": (0,),
    "os.mkdir": (0,),
    "os.truncate": (0,),
    "os.chmod": (0,),
    "os.utime": (0,),
    "shutil.copyfile": (0, 1),
    "shutil.move": (0, 1),
    "shutil.rmtree": (0,),
}
"""Audit events with the places of paths among their arguments."""
_NEVER = (
    "subprocess.Popen",
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "socket.connect",
    "socket.bind",
    "pickle.find_class",
)
"""Audit events that no reader may cause, whatever their arguments are."""


_FOLLOWING = frozenset(
    {"open", "os.listdir", "os.scandir", "os.truncate", "os.chmod", "os.utime", "shutil.copyfile"}
)
"""Events among them that are about what a link leads to, not about the link."""


class Audit:
    """Collects what happens at some paths: `with audit: ...`.

    Attributes:
        elsewhere: one line for each event since the last `with`.
    """

    def __init__(self, is_elsewhere: Callable[[str], bool], never: Sequence[str] = _NEVER) -> None:
        """Begin to listen; Python never lets a hook go, so make few.

        Args:
            is_elsewhere: says of a real path whether what happens there is collected.
            never: events that are collected wherever they happen.
        """
        self.elsewhere: list[str] = []
        self.is_elsewhere = is_elsewhere
        self._never = frozenset(never)
        self._is_on = False
        sys.addaudithook(self._hear)

    def __enter__(self) -> Audit:
        self.elsewhere.clear()
        self._is_on = True
        return self

    def __exit__(self, *_: object) -> None:
        self._is_on = False

    def _hear(self, event: str, arguments: tuple[object, ...]) -> None:
        if not self._is_on or (event not in _PATHS and event not in self._never):
            return
        self._is_on = False  # looking at paths causes events, too
        try:
            if event in self._never:
                self.elsewhere.append(f"{event} {arguments!r}"[:200])
                return
            follows = event in _FOLLOWING and not (event == "open" and _opens_no_link(arguments))
            for place in _PATHS[event]:
                if place < len(arguments) and self._is_bad(arguments[place], follows):
                    self.elsewhere.append(f"{event} {arguments[place]!r}")
        finally:
            self._is_on = True

    def _is_bad(self, path: object, follows: bool) -> bool:
        if isinstance(path, int) or not isinstance(path, str | bytes | os.PathLike):
            return False  # a file that is open already
        try:
            name = os.fsdecode(path)
            above, last = os.path.split(name)
            return self.is_elsewhere(
                os.path.realpath(name) if follows else f"{os.path.realpath(above)}/{last}"
            )
        except ValueError:  # a path that no system has
            return False


def _opens_no_link(arguments: tuple[object, ...]) -> bool:
    flags = arguments[2] if len(arguments) > 2 else 0
    return isinstance(flags, int) and bool(flags & getattr(os, "O_NOFOLLOW", 0))
