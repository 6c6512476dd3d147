"""Measure the workshop: seconds until a preview is there, and until the page shows and filters a large dump.

    python benchmarks/studio.py [--count 20] [--models texpipe-x4,texpipe-x4-fast]
    python benchmarks/studio.py --count 0 --textures 50000

Prints, for each model and sides of 16, 32 and 64 texels, the median and the 95th percentile of the seconds that a
preview takes with a warm model, and of the processor's seconds in them; then, for a large dump, the seconds until all
its columns are ready, and in Chromium (with chromedriver) until the first page is drawn, and from a letter in the
search, or a choice in a filter, until the list is drawn anew; last, when the first preview is there, from a key that
decides about a third of the textures until the page says that it is decided.
"""

from __future__ import annotations

import argparse
import json
import queue
import shutil
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from texpipe.imaging.image_files import save_png
from texpipe.networks.catalogue import installed
from texpipe.studio.columns import columns
from texpipe.studio.dump import Dump
from texpipe.studio.opening import Opening
from texpipe.studio.preview import Previews
from texpipe.studio.server import serve
from texpipe.studio.workshop import Workshop

if TYPE_CHECKING:
    from selenium.webdriver.chrome.webdriver import WebDriver

RECIPE = "version: 1\nname: bench\ninput: dump\noutput: out\ntargets: [folder]\n"
SIDES = (16, 32, 64)
SEARCHES = ("s32", "clamp", "s64/1", "rgba", "")


@dataclass(frozen=True)
class Spent:
    """Seconds of one thing: on the clock, and of the processor."""

    clock: float
    processor: float


def main() -> None:
    """Measure, and print one line for each figure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=20, help="previews for each figure; 0 for none")
    parser.add_argument("--models", help="the models, separated by commas; by default all that are installed")
    parser.add_argument("--textures", type=int, default=50_000, help="textures of the large dump; 0 for none")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        workshop = _workshop(Path(folder), max(asked.count, 1))
        if asked.count:
            models = asked.models.split(",") if asked.models else list(installed())
            _measure_previews(Previews(workshop), models, asked.count)
        if asked.textures:
            _multiply(workshop, asked.textures)
            _measure_list(workshop, asked.textures)


def _workshop(folder: Path, count: int) -> Workshop:
    rng = np.random.default_rng(5)
    for side in SIDES:
        for number in range(count + 1):
            rgba = rng.integers(0, 256, (side, side, 4), np.uint8)
            rgba[..., 3] = 255
            save_png(folder / "dump" / f"s{side}" / f"{number}.png", rgba)
    (folder / "bench.yaml").write_text(RECIPE)
    return Workshop(folder / "bench.yaml")


def _measure_previews(previews: Previews, models: Sequence[str], count: int) -> None:
    for model in models:
        for side in SIDES:
            names = [f"s{side}/{number}.png" for number in range(count + 1)]
            # The first one loads the model.
            spent = [_timed(partial(previews.preview, name, {"model": model}))[1] for name in names][1:]
            clock = _spread([one.clock for one in spent])
            processor = _spread([one.processor for one in spent])
            print(f"{model} {side} x {side}: {clock}; of the processor: {processor}", flush=True)


def _spread(seconds: Sequence[float]) -> str:
    ordered = sorted(seconds)
    high = ordered[min(len(ordered) - 1, round(0.95 * len(ordered)))]
    return f"median {statistics.median(seconds):.2f} s, 95th percentile {high:.2f} s"


def _measure_list(workshop: Workshop, count: int) -> None:
    size, spent = _timed(lambda: len(json.dumps(columns(workshop), separators=(",", ":"))))
    print(f"columns of {count} textures: {spent.clock:.2f} s, {size / 1e6:.1f} MB")
    if shutil.which("chromedriver") is None:
        print("no chromedriver, so the page is not measured")
    else:
        with _served(workshop) as address, _browser() as browser:
            _measure_page(browser, address)


def _measure_page(browser: WebDriver, address: str) -> None:
    browser.get(address)
    seconds = browser.execute_async_script(
        "const done = arguments[0];"
        "const look = () => document.querySelector('.row')"
        " ? requestAnimationFrame(() => done(performance.now() / 1000)) : setTimeout(look, 5);"
        "look()"
    )
    print(f"first page: {seconds:.2f} s")
    browser.execute_async_script(
        "const done = arguments[0];"
        "const look = () => document.documentElement.dataset.ready === 'true'"
        " ? requestIdleCallback(done) : setTimeout(look, 5);"
        "look()"
    )
    for text in SEARCHES:
        seconds = browser.execute_async_script(
            "const [text, done] = arguments; const begun = performance.now(); const box = byId('search');"
            "box.value = text; box.dispatchEvent(new Event('input'));"
            "requestAnimationFrame(() => setTimeout(() => done((performance.now() - begun) / 1000)))",
            text,
        )
        print(f"search {text!r}: {seconds * 1000:.0f} ms")
    seconds = browser.execute_async_script(
        "const done = arguments[0]; const begun = performance.now();"
        "document.querySelector('.menu[data-filter=size] input').click();"
        "requestAnimationFrame(() => setTimeout(() => done((performance.now() - begun) / 1000)))"
    )
    print(f"filter by size: {seconds * 1000:.0f} ms")
    _wait_for_preview(browser)
    told, seconds = browser.execute_async_script(
        "const done = arguments[0]; clearFilters(); document.querySelector('#scopes [value=size]').click();"
        "const begun = performance.now();"
        "const drawn = () => requestAnimationFrame(() => setTimeout(() =>"
        " done([byId('told').textContent, (performance.now() - begun) / 1000])));"
        "new MutationObserver((_, seen) => (seen.disconnect(), drawn())).observe(byId('told'), { childList: true });"
        "document.body.dispatchEvent(new KeyboardEvent('keydown', { key: 'w', bubbles: true }))"
    )
    print(f"a decision, {told!r}: {seconds:.2f} s")
    _wait_for_preview(browser)


def _wait_for_preview(browser: WebDriver) -> None:
    browser.execute_async_script(
        "const done = arguments[0];"
        "const look = () => byId('stage').dataset.busy === 'false' ? done() : setTimeout(look, 50);"
        "setTimeout(look, 500)"
    )


@contextmanager
def _served(workshop: Workshop) -> Iterator[str]:
    """Serve the page from a thread, which ends with this program; yields its address."""
    addresses: queue.Queue[str] = queue.Queue()
    threading.Thread(target=lambda: serve(Opening.of(workshop), opened=addresses.put), daemon=True).start()
    yield addresses.get(timeout=60)


@contextmanager
def _browser() -> Iterator[WebDriver]:
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for option in ("--headless", "--no-sandbox", "--disable-gpu", "--window-size=1280,900"):
        options.add_argument(option)
    browser = webdriver.Chrome(options, webdriver.ChromeService(shutil.which("chromedriver")))
    browser.set_script_timeout(120)
    try:
        yield browser
    finally:
        browser.quit()


def _multiply(workshop: Workshop, count: int) -> None:
    """Let the dump have a number of textures more, which are like those that it has."""
    seen = workshop.dump.seen
    originals = seen.items * (count // len(seen.items) + 1)
    copies = {
        f"{item.source.name[:-4]}-{number}.png": item
        for number, item in zip(range(count - len(seen.items)), originals, strict=False)
    }
    items = [replace(item, source=replace(item.source, name=name)) for name, item in copies.items()]
    prints = {name: seen.fingerprints[item.source.name] for name, item in copies.items()}
    many = replace(
        seen,
        inventory=replace(seen.inventory, items=(*seen.items, *items)),
        fingerprints={**seen.fingerprints, **prints},
    )
    workshop.dump = Dump.of(many, workshop.loaded.recipe)


def _timed(work: Callable[[], object]) -> tuple[Any, Spent]:
    begun, processor = time.perf_counter(), time.process_time()
    result = work()
    return result, Spent(time.perf_counter() - begun, time.process_time() - processor)


if __name__ == "__main__":
    main()
