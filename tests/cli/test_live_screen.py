"""What `texpipe live` shows: lines for people, JSON for machines, and a table that counts."""

from __future__ import annotations

import json
from typing import get_args

import pytest
from rich.console import Console as RichConsole

from texpipe.cli.console import Console
from texpipe.cli.live_screen import Screen, Tally, sentence
from texpipe.live.events import Event, Kind

STORY = (
    Event("started", folder="/emulator", count=2),
    Event("found", count=3),
    Event("preview", ("a.png", "b.png"), seconds=0.2),
    Event("preview", ("c.png",), seconds=4.0),
    Event("unreadable", ("d.png",), text="it is torn"),
    Event("refining"),
    Event("progress", count=1, total=3, text="upscale"),
    Event("refined", ("a.png",)),
    Event("idle", count=3, seconds=9.0),
)


def test_the_table_counts_what_happened():
    tally = Tally()
    for event in STORY[:5]:
        tally.take(event)
    assert (tally.found, tally.previews, tally.unreadable, tally.waiting) == (3, 3, 1, 0)
    assert tally.latency() == "0.20 s, 95 % below 0.20 s"
    assert tally.problem == "d.png: it is torn"
    for event in STORY[5:]:
        tally.take(event)
    assert tally.refined == 1
    assert tally.problem == ""
    assert tally.state.startswith("all 3 textures are as good as they get")
    assert list(tally.last)[-1] == "a.png"


@pytest.mark.parametrize("kind", get_args(Kind))
def test_every_kind_of_event_is_counted_and_has_a_sentence_or_none(kind):
    event = Event(kind, ("a.png",), count=1, total=2, seconds=1.0, folder="f", text="why", hint="do this")
    Tally().take(event)
    assert "None" not in sentence(event)


def test_without_a_terminal_each_event_is_a_line(capsys):
    with Screen(Console()) as screen:
        for event in STORY:
            screen(event)
    out, err = capsys.readouterr()
    assert out == ""
    assert "preview: a.png, b.png (0.20 s)" in err
    assert "d.png cannot be read: it is torn" in err
    assert "3 files found, 3 previews, 1 textures refined" in err


def test_json_has_every_event_and_nothing_else(capsys):
    with Screen(Console(), as_json=True) as screen:
        for event in STORY:
            screen(event)
    out, err = capsys.readouterr()
    told = [json.loads(line) for line in out.splitlines()]
    assert [one["event"] for one in told] == [event.kind for event in STORY]
    assert told[2]["textures"] == ["a.png", "b.png"]
    assert told[2]["seconds"] == 0.2
    assert err == ""


def test_names_cannot_move_the_table(capsys):
    screen = Screen(Console())
    screen(Event("preview", ("bad\x1b[2J.png",), seconds=1.0))
    RichConsole(width=80).print(screen._table())
    assert "\x1b" not in capsys.readouterr().out
