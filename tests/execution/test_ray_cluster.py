"""Work on a Ray cluster: who gets what, what becomes of the dead, and a cluster of two with one killed midway."""

from __future__ import annotations

import importlib.util
import logging
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from dumps import dump, tree, write_recipe
from needed import fail_or_skip

from texpipe.cli import main
from texpipe.errors import DeviceError, PackError, UsageError
from texpipe.execution.ray_cluster import ACTOR_MEMORY, Actor, ActorInfo, RayExecutor
from texpipe.execution.retries import MAX_DEATHS
from texpipe.options import RunOptions
from texpipe.pipeline import run_recipe
from texpipe.planning.jobs import Job, JobResult
from texpipe.planning.load_options import load_options
from texpipe.progress import Progress

COUNT = 12

# A cluster in a process of its own, that ends when its standard input does.
CLUSTER = """
import ray, sys
ray.init(address="local", num_cpus=2, include_dashboard=False, object_store_memory=80 << 20, logging_level="ERROR")
print(ray.get_runtime_context().gcs_address, flush=True)
sys.stdin.read()
"""


def order(tmp_path: Path, model: Path, output: str, **more: object) -> RunOptions:
    recipe = write_recipe(tmp_path)
    return load_options(recipe, output=tmp_path / output, model=str(model), precision="fp32", **more)


@pytest.fixture
def whole(tmp_path: Path, tiny_model: Path) -> dict[str, bytes]:
    """What one computer makes of the dump."""
    dump(tmp_path / "dump", COUNT)
    run_recipe(order(tmp_path, tiny_model, "whole"))
    return tree(tmp_path / "whole")


class Death(Exception):
    """What Ray raises when an actor is gone."""


class FakeRay:
    """Ray's actors in this process; `dies` says of each call whether it kills its actor."""

    def __init__(self, resources: dict[str, float] | None = None) -> None:
        self.exceptions = SimpleNamespace(RayActorError=Death, RayTaskError=ZeroDivisionError)
        self.resources = resources or {"CPU": 2.0, "memory": 8.0 * ACTOR_MEMORY}
        self.options: list[dict[str, object]] = []
        self.started = 0

    def cluster_resources(self) -> dict[str, float]:
        return self.resources

    def dies(self, method: str, jobs: tuple[Job, ...]) -> bool:
        return False

    def answer(self, actor: Actor, method: str, arguments: tuple[object, ...]) -> object:
        return getattr(actor, method)(*arguments)

    def remote(self, **options: object) -> object:
        self.options.append(options)

        def wrap(kind: type[Actor]) -> object:
            return SimpleNamespace(remote=lambda *arguments: self._actor(kind(*arguments)))

        return wrap

    def _actor(self, actor: Actor) -> object:
        self.started += 1

        def method(name: str) -> object:
            return SimpleNamespace(remote=lambda *arguments: _Reference(actor, name, arguments))

        return SimpleNamespace(describe=method("describe"), do=method("do"))

    def wait(self, references: list[_Reference], num_returns: int) -> tuple[list[object], list[object]]:
        return references[:num_returns], references[num_returns:]

    def get(self, reference: _Reference) -> object:
        jobs = reference.arguments[0] if reference.arguments else ()
        if self.dies(reference.method, jobs):
            raise Death("The actor died unexpectedly")
        return self.answer(reference.actor, reference.method, reference.arguments)


class _Reference:
    def __init__(self, actor: Actor, method: str, arguments: tuple) -> None:
        self.actor, self.method, self.arguments = actor, method, arguments


def run_on(ray: FakeRay, asked: RunOptions, monkeypatch: pytest.MonkeyPatch) -> object:
    @contextmanager
    def on_ray(asked: RunOptions) -> Iterator[RayExecutor]:
        yield RayExecutor(lambda: ray, asked)

    monkeypatch.setattr("texpipe.execution.ray_cluster.on_ray", on_ray)
    return run_recipe(replace(asked, executor="ray"))


class OneDies(FakeRay):
    dead = False

    def dies(self, method: str, jobs: tuple[Job, ...]) -> bool:
        dies = method == "do" and not self.dead
        self.dead |= dies
        return dies


def test_the_work_of_a_dead_actor_is_done_by_others(
    tmp_path: Path, tiny_model: Path, whole: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    ray = OneDies()
    outcome = run_on(ray, order(tmp_path, tiny_model, "out"), monkeypatch)
    assert not [entry.reason for entry in outcome.manifest.textures if entry.reason]
    assert (ray.started, outcome.computed) == (3, COUNT)
    assert tree(tmp_path / "out") == whole


class OneKills(FakeRay):
    """The first job of all kills whoever takes it."""

    bad = ""

    def dies(self, method: str, jobs: tuple[Job, ...]) -> bool:
        if jobs and not self.bad:
            self.bad = jobs[0].content
        return any(job.content == self.bad for job in jobs)


def test_a_job_that_kills_is_given_up_alone(
    tmp_path: Path, tiny_model: Path, whole: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    outcome = run_on(OneKills(), order(tmp_path, tiny_model, "out"), monkeypatch)
    failed = [entry for entry in outcome.manifest.textures if entry.status == "failed"]
    assert {entry.reason for entry in failed} == {"the process that computed it died 2 times"}
    assert 1 <= len(failed) <= 3  # a texture and those that share its structure
    assert (outcome.computed, outcome.exit_code) == (COUNT - len(failed), 7)


class NoneStarts(FakeRay):
    def dies(self, method: str, jobs: tuple[Job, ...]) -> bool:
        return True


class Strangers(FakeRay):
    """Every actor computes in another way."""

    def answer(self, actor: Actor, method: str, arguments: tuple[object, ...]) -> object:
        if method == "describe":
            self.number = getattr(self, "number", 0) + 1
            return ActorInfo("host", self.number, f"engine {self.number}")
        return super().answer(actor, method, arguments)


class OtherDisk(FakeRay):
    """Actors say that it is done, but nothing is in our store."""

    def answer(self, actor: Actor, method: str, arguments: tuple) -> object:
        return (
            [JobResult(job) for job in arguments[0]]
            if method == "do"
            else super().answer(actor, method, arguments)
        )


@pytest.mark.parametrize(
    ("kind", "error", "says"),
    [
        (NoneStarts, DeviceError, "die before they can work"),
        (Strangers, DeviceError, "would differ"),
        (OtherDisk, PackError, "nothing is there"),
    ],
)
def test_a_cluster_that_cannot_do_it_is_told(
    kind: type[FakeRay],
    error: type[Exception],
    says: str,
    tmp_path: Path,
    tiny_model: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    dump(tmp_path / "dump", 2)
    ray = kind()
    with pytest.raises(error, match=says):
        run_on(ray, order(tmp_path, tiny_model, "out"), monkeypatch)
    assert ray.started <= MAX_DEATHS + 4


@pytest.mark.parametrize(
    ("resources", "device", "actors", "options"),
    [
        ({"CPU": 3.0, "memory": 99.0 * ACTOR_MEMORY}, "auto", 3, {"num_gpus": 0, "memory": ACTOR_MEMORY}),
        ({"CPU": 64.0, "memory": 5.5 * ACTOR_MEMORY}, "cpu", 5, {"num_gpus": 0, "memory": ACTOR_MEMORY}),
        ({"CPU": 2.0, "memory": 1.0}, "auto", 1, {"num_gpus": 0, "memory": ACTOR_MEMORY}),
        ({"CPU": 64.0, "GPU": 4.0, "memory": 9.0}, "auto", 4, {"num_gpus": 1}),
        ({"CPU": 1.0, "GPU": 4.0, "memory": 9.0 * ACTOR_MEMORY}, "cpu", 1, {"memory": ACTOR_MEMORY}),
    ],
)
def test_there_is_an_actor_for_each_gpu_or_core(
    resources: dict[str, float], device: str, actors: int, options: dict[str, object]
) -> None:
    ray = FakeRay(resources)
    ray.answer = lambda *_: ActorInfo("host", 1, "engine")  # type: ignore[method-assign]
    asked = SimpleNamespace(device=device, precision="auto", input=Path(), memory=None, address="auto")
    workers = RayExecutor(lambda: ray, asked)
    assert workers.engine() == "engine"
    assert ray.started == 1, "asking for the name starts no more than it needs"
    assert workers._workers == actors
    assert options.items() <= ray.options[0].items()


def test_cuda_without_a_gpu_in_the_cluster_is_refused() -> None:
    with pytest.raises(DeviceError, match="no GPU"):
        RayExecutor(FakeRay, SimpleNamespace(device="cuda", memory=None, address="auto")).engine()


def test_neither_a_dry_run_nor_a_full_store_starts_a_cluster_here(
    tmp_path: Path, tiny_model: Path, whole: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    def unwanted() -> None:
        raise AssertionError("a cluster was started")

    @contextmanager
    def on_ray(asked: RunOptions) -> Iterator[RayExecutor]:
        yield RayExecutor(unwanted, asked)

    monkeypatch.setattr("texpipe.execution.ray_cluster.on_ray", on_ray)
    asked = replace(order(tmp_path, tiny_model, "whole"), executor="ray")
    assert run_recipe(asked, dry_run=True).cached == COUNT
    assert run_recipe(asked).cached == COUNT
    assert tree(tmp_path / "whole") == whole


def test_without_ray_the_command_says_how_to_get_it(
    tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    dump(tmp_path / "dump", 1)
    recipe = write_recipe(tmp_path)
    with pytest.raises(SystemExit, match="6"):
        main(["run", str(recipe), "--model", str(tiny_model), "--executor", "ray"])
    assert "python -m pip install 'texpipe[ray]'" in capsys.readouterr().err


def test_shards_are_not_for_ray(tmp_path: Path, tiny_model: Path) -> None:
    with pytest.raises(UsageError, match="by itself"):
        order(tmp_path, tiny_model, "out", executor="ray", shard="1/2")


@pytest.fixture
def cluster(pytestconfig: pytest.Config, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a Ray cluster on this computer with two processor cores."""
    if importlib.util.find_spec("ray") is None:
        fail_or_skip(
            pytestconfig, "RAY IS NOT TESTED: it is not installed (python -m pip install 'texpipe[ray]')"
        )
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    monkeypatch.setenv("RAY_AUTH_TOKEN", "0123456789abcdef" * 4)  # else Ray writes one to the home folder
    command = [sys.executable, "-c", CLUSTER]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.communicate()


@pytest.mark.filterwarnings("ignore")  # Ray's own
def test_a_cluster_with_one_actor_killed_midway_makes_the_same(
    tmp_path: Path,
    tiny_model: Path,
    whole: dict[str, bytes],
    cluster: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "texpipe.execution.ray_cluster")
    killed: list[int] = []

    def kill_one(progress: Progress) -> None:
        if progress.stage == "upscale" and not killed:
            killed.extend(map(int, re.findall(r"process (\d+)", caplog.text)[:1]))
            os.kill(killed[0], signal.SIGKILL)

    asked = order(tmp_path, tiny_model, "out", executor="ray", address=cluster)
    outcome = run_recipe(asked, progress=kill_one)
    assert "a Ray actor died" in caplog.text
    assert outcome.computed + outcome.cached == COUNT
    assert tree(tmp_path / "out") == whole
