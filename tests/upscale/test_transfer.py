"""Copies to a GPU and back, with streams that only take notes: what waits for what, and each thread by itself."""

from __future__ import annotations

import threading
from contextlib import contextmanager

import numpy as np
import pytest
import torch

from texpipe.networks.rrdbnet import RRDBNet
from texpipe.texture import Edges
from texpipe.upscale.engine import Engine
from texpipe.upscale.transfer import CudaTransfer, HostTransfer, transfer_to


class Notes:
    """Stands for `torch.cuda`: one computing stream, others as they are made; all that is asked of them in order."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.lines: list[str] = []
        self.made = 0
        self.computing = Stream("computing", self.lines)
        empty, to, copy = torch.empty, torch.Tensor.to, torch.Tensor.copy_

        @contextmanager
        def stream(given: Stream):
            self.lines.append(f"on {given.name}:")
            yield
            self.lines.append("end")

        def noted(what: str, plain):
            def call(tensor, *arguments, **options):
                self.lines.append(what)
                return plain(tensor, *arguments, **options)

            return call

        def record(_, on: Stream) -> None:
            self.lines.append(f"recorded on {on.name}")

        monkeypatch.setattr(torch.cuda, "stream", stream)
        monkeypatch.setattr(torch.cuda, "current_stream", lambda _: self.computing)
        monkeypatch.setattr(torch.cuda, "Stream", self.new)
        monkeypatch.setattr(torch, "empty", lambda *shape, pin_memory=False, **more: empty(*shape, **more))
        monkeypatch.setattr(torch.Tensor, "pin_memory", lambda tensor: tensor.clone())
        monkeypatch.setattr(torch.Tensor, "record_stream", record)
        monkeypatch.setattr(torch.Tensor, "to", noted("to", to))
        monkeypatch.setattr(torch.Tensor, "copy_", noted("copy", copy))

    def new(self, _: torch.device) -> Stream:
        self.made += 1
        return Stream(f"copying {self.made}", self.lines)


class Stream:
    def __init__(self, name: str, lines: list[str]) -> None:
        self.name, self.lines = name, lines

    def wait_stream(self, other: Stream) -> None:
        self.lines.append(f"{self.name} waits for {other.name}")

    def synchronize(self) -> None:
        self.lines.append(f"we wait for {self.name}")


@pytest.fixture
def notes(monkeypatch: pytest.MonkeyPatch) -> Notes:
    return Notes(monkeypatch)


def test_pictures_are_computed_after_they_came_and_fetched_after_they_were_computed(notes: Notes) -> None:
    transfer, images = CudaTransfer(torch.device("cpu")), torch.arange(12.0).reshape(1, 2, 2, 3)
    placed = transfer.to_device(images)
    back = transfer.to_host(placed * 2)
    assert torch.equal(back, images * 2)
    assert notes.lines == [
        "on copying 1:",
        "to",
        "end",
        "computing waits for copying 1",
        "recorded on computing",
        "copying 1 waits for computing",
        "on copying 1:",
        "copy",
        "end",
        "recorded on copying 1",
        "we wait for copying 1",
    ]


def test_each_thread_copies_on_a_stream_of_its_own(notes: Notes) -> None:
    transfer = CudaTransfer(torch.device("cpu"))
    for _ in range(2):
        transfer.to_device(torch.zeros(1))
    assert notes.made == 1
    other = threading.Thread(target=transfer.to_device, args=(torch.zeros(1),))
    other.start()
    other.join()
    assert notes.made == 2


def test_a_processor_needs_neither_copies_nor_streams() -> None:
    images = torch.zeros(1)
    assert HostTransfer().to_device(images) is images
    assert HostTransfer().to_host(images) is images


@pytest.mark.parametrize(("name", "kind"), [("cpu", HostTransfer), ("cuda", CudaTransfer)])
def test_the_device_decides(name: str, kind: type) -> None:
    assert isinstance(transfer_to(torch.device(name)), kind)


def test_the_engine_gives_the_same_either_way(monkeypatch: pytest.MonkeyPatch, one_thread: None) -> None:
    torch.manual_seed(0)
    engine = Engine(RRDBNet(num_feat=8, num_block=1, num_grow_ch=4), "cpu", "fp32")
    batch = np.random.default_rng(0).random((2, 5, 6, 3), dtype=np.float32)
    plain = engine.run(batch, Edges("wrap", "mirror"))
    notes = Notes(monkeypatch)
    monkeypatch.setattr(engine, "_transfer", CudaTransfer(torch.device("cpu")))
    np.testing.assert_array_equal(engine.run(batch, Edges("wrap", "mirror")), plain)
    assert notes.made == 1
