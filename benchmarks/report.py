"""Load time and scrolling speed of the report of a large pack: python benchmarks/report.py [TEXTURES]

Makes a pack of synthetic textures (5,000 by default), writes its report and opens it in headless Chromium. Prints the
seconds to write it, the size of the page, the milliseconds until the list answers a key, and those per step, per
filter and per screen of scrolling.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from texpipe.report.page import write_report

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))  # the same pack and browser as the tests'
from browser import chromium
from reportable import large_pack

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
        output = large_pack(Path(folder), count)
        began = time.perf_counter()
        page = write_report(output)
        seconds = time.perf_counter() - began
        print(f"{count} textures: written in {seconds:.1f} s, {page.stat().st_size / 1e6:.1f} MB")
        with chromium(Path(folder) / "profile") as driver:
            driver.get(page.as_uri())
            rows = driver.execute_script("return document.querySelectorAll(`.row`).length")
            print(f"answers after {driver.execute_script(READY):.0f} ms, with {rows} rows in the document")
            step = driver.execute_script(STEPS)
            print(f"two filters {driver.execute_script(FILTER):.0f} ms, a step {step:.1f} ms")
            print(f"a screen of scrolling {driver.execute_async_script(SCROLL):.1f} ms")


if __name__ == "__main__":
    main()
