"""Payloads of strangers in every text of a pack, shown by the report in a real browser: nothing is executed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from browser import chromium, require_browser
from payloads import PAYLOADS, SOURCES
from reportable import finished_pack

from texpipe.manifest.file import read_manifest, write_manifest, write_run_info
from texpipe.manifest.schema import Entry, ModelId, Provenance, RecipeId
from texpipe.report.page import write_report
from texpipe.texture import Decisions

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a pack whose every text is a payload: names, decisions, reasons, models, recipe, warnings."""
    folder = tmp_path_factory.mktemp("payloads")
    out = finished_pack(folder, names=SOURCES)
    manifest = read_manifest(out / "manifest.json")

    def hostile(number: int, entry: Entry) -> Entry:
        text = PAYLOADS[number % len(PAYLOADS)]
        return replace(
            entry,
            group=text,
            warnings=(text,),
            decided_by=Decisions(text, text, text, text),
            by=Provenance("hand", model=text, file=text, sha256="0" * 64),
        )

    textures = [hostile(number, entry) for number, entry in enumerate(manifest.textures)]
    failed = [Entry(f"failed-{text}", "failed", reason=text) for text in PAYLOADS]
    model = ModelId(PAYLOADS[0], "0" * 64, PAYLOADS[4])
    changed = replace(
        manifest, recipe=RecipeId(PAYLOADS[1], "0" * 64), model=model, textures=(*textures, *failed)
    )
    write_manifest(out / "manifest.json", changed)
    write_run_info(out / "run.json", {"input": str(folder / "dump"), "notes": list(PAYLOADS)})
    return write_report(out)


@pytest.fixture(scope="module")
def driver(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator:
    require_browser(request.config)
    with chromium(tmp_path_factory.mktemp("profile")) as started:
        yield started


def test_no_payload_is_executed_or_fetched(driver, report: Path) -> None:
    driver.get(report.as_uri())
    shown = driver.execute_script(
        "const seen = [];"
        "for (const texture of TEXTURES) {"
        "  reveal(texture);"
        "  seen.push([texture.source, document.querySelector('#facts h2').textContent]);"
        "}"
        "return seen"
    )
    assert len(shown) == 2 * len(PAYLOADS)
    assert all(name == title for name, title in shown)
    for box in driver.find_elements("css selector", "[data-filter]"):
        box.click()
    driver.find_element("css selector", "input[type=search]").send_keys("<img src=x")
    assert driver.execute_script("return [window.pwned, Object.prototype.pwned]") == [None, None]
    assert driver.title == f"{PAYLOADS[1]} · texpipe report"
    made = "[onerror], [onload], [ontoggle], iframe, base, meta[http-equiv=refresh]"
    assert not driver.find_elements("css selector", made)
    addresses = driver.execute_script(
        "return [...document.querySelectorAll('[src], [href]')].map((one) => String(one.src ?? one.href))"
    )
    assert addresses
    assert all(address.startswith(("file:", "data:")) for address in addresses)
    assert driver.get_log("browser") == [], "nothing was refused either: nothing was tried"


def test_the_policy_refuses_scripts_that_somebody_would_bring_in(driver, report: Path) -> None:
    driver.get(report.as_uri())
    driver.execute_script(
        "document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.pwned=1\">');"
        "const one = document.createElement('script'); one.textContent = 'window.pwned=1';"
        "document.body.append(one)"
    )
    assert driver.execute_script("return window.pwned ?? null") is None
    assert any("Content Security Policy" in line["message"] for line in driver.get_log("browser"))
