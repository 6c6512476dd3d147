"""How soon the report of a large pack can be used, and how fast it scrolls: python benchmarks/report.py [TEXTURES]

Makes a pack of synthetic textures (5,000 by default), writes its report and opens it in headless Chromium. Prints the
seconds to write it, the size of the page, the milliseconds until the list answers a key, and those per step, per
filter and per screen of scrolling.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from selenium import webdriver

from texpipe.manifest import (
    Entry,
    Manifest,
    ModelId,
    Output,
    RecipeId,
    summarise,
    write_manifest,
    write_run_info,
)
from texpipe.pixels import save_png
from texpipe.read.decode import decode
from texpipe.report.page import write_report
from texpipe.texture import Decisions, Edges, Metrics, Source

PICTURES = 200
"""So many are different; the others share their files."""

READY = "return performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd"
FILTER = (
    "const t = performance.now(); state.text = '7'; refill(); state.text = ''; refill();"
    "return performance.now() - t"
)
STEPS = (
    "const t = performance.now(); for (let i = 0; i < 50; i++) step(1); return (performance.now() - t) / 50"
)
SCROLL = """
const [done] = [arguments[arguments.length - 1]], box = byId("list"), began = performance.now();
let screens = 0;
(function next() {
  if (++screens > 60) return done((performance.now() - began) / 60);
  box.scrollTop += box.clientHeight;
  requestAnimationFrame(next);
})();
"""


def main() -> None:
    """Measure and print."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 5000
    with tempfile.TemporaryDirectory() as folder:
        output = pack(Path(folder), count)
        began = time.perf_counter()
        page = write_report(output)
        print(
            f"{count} textures: written in {time.perf_counter() - began:.1f} s, {page.stat().st_size / 1e6:.1f} MB"
        )
        driver = chromium(Path(folder) / "profile")
        try:
            driver.get(page.as_uri())
            print(f"answers after {driver.execute_script(READY):.0f} ms")
            print(
                f"rows in the document: {driver.execute_script('return document.querySelectorAll(`.row`).length')}"
            )
            print(
                f"two filters {driver.execute_script(FILTER):.0f} ms, a step {driver.execute_script(STEPS):.1f} ms"
            )
            print(f"a screen of scrolling {driver.execute_async_script(SCROLL):.1f} ms")
        finally:
            driver.quit()


def pack(folder: Path, count: int) -> Path:
    """Write a finished pack of `count` entries and return its folder."""
    rng = np.random.default_rng(0)
    digests = []
    for number in range(PICTURES):
        name = f"{number}.png"
        rgba = np.dstack([rng.integers(0, 256, (16, 16, 3)), np.full((16, 16), 255)]).astype(np.uint8)
        save_png(folder / "dump" / name, rgba)
        save_png(folder / "out" / "folder" / name, rgba.repeat(4, 0).repeat(4, 1))
        digests.append(decode(Source(name, folder / "dump" / name)).sha256)
    entries = tuple(entry(number, digests[number % PICTURES], rng) for number in range(count))
    manifest = Manifest(
        "0",
        RecipeId("many", ""),
        ModelId("none", "", None),
        4,
        ("folder",),
        entries,
        summarise(entries, ignored=0),
    )
    write_manifest(folder / "out" / "manifest.json", manifest)
    write_run_info(folder / "out" / "run.json", {"input": str(folder / "dump")})
    return folder / "out"


def entry(number: int, digest: str, rng: np.random.Generator) -> Entry:
    """Return one entry with a name of the usual length; its pictures are those of `number` modulo PICTURES."""
    seam, colour, alpha = rng.exponential(1, 3).tolist()
    return Entry(
        f"{number % PICTURES}.png"
        if number < PICTURES
        else f"scene/THE LEGEND OF ZELDA#{number:08X}#0#2_all.png",
        "written",
        digest,
        (16, 16),
        id={"scheme": "gliden64", "game": "THE LEGEND OF ZELDA", "texels": "rgba16", "crc": f"{number:08X}"},
        alpha="opaque",
        edges=Edges("wrap", "wrap"),
        decided_by=Decisions(
            "classify: a picture to upscale",
            "classify: alpha is 255 everywhere",
            f"classify: the step across the seam is {seam:.2f} of the mean step inside (0.93)",
            f"classify: the step across the seam is {colour:.2f} of the mean step inside (0.93)",
        ),
        outputs=(Output("folder", f"folder/{number % PICTURES}.png", digest, (64, 64)),),
        metrics=Metrics(seam, seam / 2, colour, alpha / 50),
    )


def chromium(profile: Path) -> webdriver.Chrome:
    """Start a headless Chromium with an empty profile."""
    options = webdriver.ChromeOptions()
    options.binary_location = str(shutil.which("chromium"))
    for option in (
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--no-first-run",
        "--disable-background-networking",
    ):
        options.add_argument(option)
    options.add_argument(f"--user-data-dir={profile}")
    return webdriver.Chrome(options, webdriver.ChromeService(shutil.which("chromedriver")))


if __name__ == "__main__":
    main()
