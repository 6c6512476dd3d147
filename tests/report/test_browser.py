"""The report in a real browser: what is seen, dragged, filtered, sorted and typed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from browser import chromium, require_browser, screen, within
from dumps import texture
from pages import REPOSITORY
from reportable import finished_pack, large_pack, pack_of_dump

from texpipe.cli.worst import worst
from texpipe.imaging.image_files import save_png
from texpipe.manifest.file import read_manifest, write_manifest
from texpipe.manifest.schema import Entry, Provenance, entry_as_json
from texpipe.passes.resample import repeat
from texpipe.relations import Flip, Mirror, Spot, Variant
from texpipe.report.finished_pack import result_of
from texpipe.report.page import write_report
from texpipe.report.sources import dump_of, source_of
from texpipe.report.stamp import older_report
from texpipe.report.worst import ranked
from texpipe.texture import Metrics

pytestmark = pytest.mark.slow

HOSTILE = '"><img src=x onerror=document.title=1>.png'
PLAIN = ["brick.png", "grass.png", "leaf.png"]


@pytest.fixture(scope="module")
def driver(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator:
    require_browser(request.config)
    with chromium(tmp_path_factory.mktemp("profile")) as started:
        yield started


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Path:
    """A run of the real command line with its report: three textures, one with a hostile name, one broken."""
    folder = tmp_path_factory.mktemp("run")
    for number, name in enumerate([*PLAIN, HOSTILE]):
        alpha = "binary" if name == "leaf.png" else "opaque"
        save_png(folder / "dump" / name, texture(number, (16 << number % 2, 16), alpha))
    (folder / "dump" / "torn.png").write_bytes(b"no picture")
    recipe = folder / "recipe.yaml"
    recipe.write_text(
        f"version: 1\nname: walk\ninput: dump\noutput: out\nmodel: {tiny_model}\ntargets: [folder]\n"
        "rules:\n  - {match: {name: brick.png}, edges: {x: wrap, y: mirror}}\n"
    )
    command = [sys.executable, "-m", "texpipe", "run", str(recipe), "--report"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 7, done.stderr
    assert "report/index.html" in done.stderr
    return folder / "out"


@pytest.fixture
def page(driver, output: Path) -> Iterator:
    """The report, freshly opened; afterwards the console must be empty."""
    driver.get("about:blank")
    driver.get((output / "report" / "index.html").as_uri())
    yield driver
    assert driver.get_log("browser") == []


def press(page, keys: str) -> None:
    from selenium.webdriver.common.action_chains import ActionChains

    ActionChains(page).send_keys(keys).perform()


def names(page) -> list[str]:
    return page.execute_script("return list.rows.map((row) => row.texture.source)")


def look_at(page, name: str, zoom: int = 2, **view: str) -> None:
    """Show a texture by its row, with the slider in the middle and every pixel of the result `zoom` pixels wide."""
    page.execute_script("go(list.rows.findIndex((row) => row.texture.source === arguments[0]))", name)
    for switch, value in view.items():
        page.find_element("css selector", f"#{switch} input[value={value}] + span").click()
    page.execute_script("stage.zoom = arguments[0]; stage.size(); stage.slide(50);", zoom)
    page.execute_async_script(
        "const done = arguments[0];"
        "Promise.all([...document.querySelectorAll('.plane img')].map((one) => one.decode())).then(() =>"
        "requestAnimationFrame(() => requestAnimationFrame(done)))"
    )


def pictures(output: Path, name: str, zoom: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """Return source and result of a texture, both `zoom` times the result's size, H x W x 4 uint8."""
    entries = {entry.source: entry for entry in read_manifest(output / "manifest.json").textures}
    source = source_of(entries[name], dump_of(output, {name}))
    return repeat(source, 4 * zoom), repeat(result_of(entries[name], output), zoom)


def beside_the_knob(shown: np.ndarray, cut: int) -> tuple[np.ndarray, np.ndarray]:
    """Return which columns lie left and right of the slider, clear of its knob and the knob's shadow."""
    columns = np.arange(shown.shape[1])
    return columns < cut - 30, columns > cut + 30


def test_source_left_and_result_right_of_the_slider(page, output: Path) -> None:
    look_at(page, "grass.png")
    before, after = pictures(output, "grass.png")
    shown = within(page, ".plane.after")
    assert shown.shape[:2] == after.shape[:2]
    left, right = beside_the_knob(shown, shown.shape[1] // 2)
    assert (shown[:, left] == before[:, left, :3]).all()
    assert (shown[:, right] == after[:, right, :3]).all()
    assert (before[:, right] != after[:, right]).any(), "the test can tell them apart"


def test_the_slider_is_dragged(page, output: Path) -> None:
    from selenium.webdriver.common.action_chains import ActionChains

    look_at(page, "grass.png")
    before, after = pictures(output, "grass.png")
    width = after.shape[1]
    knob = page.find_element("id", "slider")
    ActionChains(page).click_and_hold(knob).move_by_offset(width // 4, 10).release().perform()
    assert abs(int(knob.get_attribute("aria-valuenow")) - 75) <= 1
    shown = within(page, ".plane.after")
    left, right = beside_the_knob(shown, width * 3 // 4)
    assert (shown[:, left] == before[:, left, :3]).all()
    assert (shown[:, right] == after[:, right, :3]).all()


def test_the_slider_has_keys(page) -> None:
    look_at(page, "grass.png")
    value = lambda: int(page.find_element("id", "slider").get_attribute("aria-valuenow"))  # noqa: E731
    press(page, "\ue014")  # right
    assert value() == 51
    page.execute_script("stage.slide(0)")
    press(page, "\ue012")  # left
    assert value() == 0


def test_backdrops_show_where_alpha_is_nothing(page, output: Path) -> None:
    before, after = pictures(output, "leaf.png")
    for backdrop, colour in (("magenta", (255, 0, 255)), ("black", (0, 0, 0))):
        look_at(page, "leaf.png", backdrop=backdrop)
        shown = within(page, ".plane.after")
        left, right = beside_the_knob(shown, shown.shape[1] // 2)
        for side, picture in ((left, before), (right, after)):
            holes = picture[..., 3] == 0
            assert holes.any()
            assert (shown[side & holes] == colour).all()
            assert (shown[side & ~holes] == picture[side & ~holes][:, :3]).all()


def test_alpha_and_colour_apart(page, output: Path) -> None:
    before, after = pictures(output, "leaf.png")
    look_at(page, "leaf.png", channel="alpha")
    shown = within(page, ".plane.after")
    left, right = beside_the_knob(shown, shown.shape[1] // 2)
    assert (shown[:, left] == before[:, left, 3:]).all()
    assert (shown[:, right] == after[:, right, 3:]).all()
    look_at(page, "leaf.png", channel="colour")
    shown = within(page, ".plane.after")
    assert (shown[:, left] == before[:, left, :3]).all(), "what alpha hides too"
    assert (shown[:, right] == after[:, right, :3]).all()


def test_nine_tiles_as_the_console_lays_them(page, output: Path) -> None:
    look_at(page, "brick.png", 1, tiling="nine", layout="beside")
    before, after = pictures(output, "brick.png", 1)
    for which, tile in (("before", before), ("after", after)):
        column = np.concatenate([tile[::-1], tile, tile[::-1]])  # y mirrors, x wraps
        assert (within(page, f".plane.{which}") == np.concatenate([column] * 3, axis=1)[..., :3]).all()


def test_space_shows_the_source_alone_while_it_is_held(page, output: Path) -> None:
    from selenium.webdriver.common.action_chains import ActionChains

    look_at(page, "grass.png")
    before, _ = pictures(output, "grass.png")
    ActionChains(page).key_down(" ").perform()
    assert (within(page, ".plane.before")[:, :-30] == before[:, :-30, :3]).all()
    ActionChains(page).key_up(" ").perform()
    assert page.find_element("id", "slider").get_attribute("aria-valuenow") == "50"


def test_keys_step_through_the_list(page) -> None:
    shown = names(page)
    assert shown[0] == "torn.png", "what failed comes first"
    place = page.find_element("id", "place")
    assert place.text == f"2 of {len(shown)}"
    press(page, "j")
    press(page, "\ue015")  # down
    assert place.text == f"4 of {len(shown)}"
    assert page.find_element("css selector", "#facts h2").text == shown[3]
    assert page.find_element("css selector", "[aria-selected=true]").get_attribute("title") == shown[3]
    press(page, "k")
    assert place.text == f"3 of {len(shown)}"


def test_filters_and_search(page) -> None:
    menu = page.find_element("css selector", "[data-filter=class]")
    menu.click()
    menu.find_element("css selector", "input[value=binary]").click()
    assert names(page) == ["leaf.png"]
    assert page.find_element("id", "shown").text == "1 of 5 textures"
    press(page, "\ue00c")  # escape closes the menu
    assert menu.get_attribute("open") is None
    page.find_element("id", "search").send_keys("brick")
    assert names(page) == []
    page.find_element("id", "clear").click()
    assert len(names(page)) == 5
    press(page, "GRASS")
    assert names(page) == ["grass.png"]


def test_orders(page, output: Path) -> None:
    from selenium.webdriver.support.select import Select

    entries = read_manifest(output / "manifest.json").textures
    drift = {entry.source: entry.metrics.colour_drift or 0 for entry in entries if entry.metrics}
    select = Select(page.find_element("id", "sort"))
    select.select_by_value("colour")
    assert names(page)[: len(drift)] == sorted(drift, key=lambda name: -drift[name])
    select.select_by_value("name")
    assert names(page) == [entry.source for entry in entries]


def test_what_is_marked_comes_before_what_is_only_first_in_its_measure(page) -> None:
    """The largest drift of a pack may be harmless; a red seam is not."""
    metrics = {
        "harmless": {"colour_drift": 1.7, "seam_x": 1.0},
        "failed": {},
        "seam": {"colour_drift": 1.6, "seam_y": 5.2},
        "amber": {"alpha_coverage_drift": -0.02},
    }
    facts = [
        {"source": name, "status": "failed" if name == "failed" else "written", "metrics": measured}
        for name, measured in metrics.items()
    ]
    script = (
        "takeTextures(arguments[0]); return [...TEXTURES].sort(ORDERS.worst.compare).map((one) => one.source)"
    )
    assert page.execute_script(script, facts) == ["failed", "seam", "amber", "harmless"]
    assert page.execute_script("return TEXTURES.filter(worstMeasure).map(worstMeasure)") == [
        "colour",
        "seam",
        "alphaDrift",
    ]


def test_the_summary_of_a_run_has_the_order_of_the_report(page) -> None:
    pack = {
        "alpha": Metrics(alpha_coverage_drift=0.021),
        "source's": Metrics(seam_x=8.57, source_seam_x=8.4, seam_y=1.0),
        "fine": Metrics(seam_x=1.1, colour_drift=0.3, alpha_coverage_drift=0.001),
        "amber": Metrics(seam_y=2.4, source_seam_y=1.0, colour_drift=1.0),
        "red": Metrics(seam_x=2.6, source_seam_x=0.7),
        "unseen": Metrics(seam_x=5.4, source_seam_x=0.0, repeat_step_x=0.5),
        "seen": Metrics(seam_x=2.8, source_seam_x=0.9, repeat_step_x=9.0),
        "worse": Metrics(colour_drift=11.0, seam_y=4.0, source_seam_y=3.9),
        "covered": Metrics(alpha_coverage_drift=-0.039),
    }
    entries = [Entry(name, "written", metrics=metrics) for name, metrics in pack.items()]
    script = "takeTextures(arguments[0]); return sorted('worst').map((one) => [one.source, one.alarm])"
    shown = page.execute_script(script, [entry_as_json(entry) for entry in entries])
    assert [name for name, _ in shown] == [entry.source for entry, _ in ranked(entries)]
    marked = [name for name, level in shown if level]
    assert [line.partition(": ")[0] for line in worst(entries, 9)] == marked
    assert marked == ["worse", "seen", "red", "covered", "alpha", "amber"]
    by_seam = page.execute_script("return sorted('seam').map((one) => one.source)")
    assert by_seam[:2] == ["seen", "red"]
    assert "unseen" in by_seam[3:], "the order by one measure is that of its colours, too"


def test_the_report_opens_on_the_worst_texture_that_has_a_result(page) -> None:
    """One that failed is first in the list, and has nothing to show."""
    assert names(page)[0] == "torn.png"
    assert page.find_element("css selector", "#facts h2").text == names(page)[1]
    assert page.find_elements("css selector", ".plane.after img")
    assert not page.find_elements("css selector", ".plane.gone")


def test_a_hostile_name_is_only_a_name(page) -> None:
    look_at(page, HOSTILE)
    assert page.find_element("css selector", "#facts h2").text == HOSTILE
    assert page.title == "walk · texpipe report"
    assert not page.find_elements("css selector", "[onerror]")
    page.refresh()
    assert page.find_element("css selector", "#facts h2").text == HOSTILE, "the address names it"


def test_a_failure_says_why(page) -> None:
    look_at_failed = page.find_element("css selector", "[role=option][title='torn.png']")
    look_at_failed.click()
    assert "not a PNG" in page.find_element("css selector", "#stage .note").text


def test_light_and_dark(page, tmp_path: Path) -> None:
    background = {}
    for theme in ("light", "dark"):
        page.execute_script("document.documentElement.dataset.theme = arguments[0]", theme)
        page.get_screenshot_as_file(str(tmp_path / f"{theme}.png"))
        background[theme] = screen(page)[-2, 640, :3].mean()
    assert background["light"] > 200
    assert background["dark"] < 60


def test_a_picture_that_is_gone_is_named(driver, tmp_path: Path) -> None:
    report = write_report(finished_pack(tmp_path))
    for picture in (report.parent / "pictures").glob("*-after.png"):
        picture.unlink()
    driver.get(report.as_uri())
    driver.execute_async_script("setTimeout(arguments[0], 200)")
    assert (
        driver.find_element("css selector", ".plane.after.gone")
        .get_attribute("data-note")
        .startswith("pictures/")
    )
    assert all("ERR_FILE_NOT_FOUND" in line["message"] for line in driver.get_log("browser"))


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of a report of 5,000 textures."""
    return write_report(large_pack(tmp_path_factory.mktemp("large"), 5000)).as_uri()


def test_five_thousand_textures_put_no_more_into_the_page_than_a_hundred(
    driver, large: str, tmp_path: Path
) -> None:
    """What the page holds when it opens, after a key and after a search is what a window shows."""
    from selenium.webdriver.support.ui import WebDriverWait

    small = write_report(large_pack(tmp_path, 100)).as_uri()
    held = {}
    for address, count in ((small, 100), (large, 5000)):
        driver.get("about:blank")
        driver.get(address)
        WebDriverWait(driver, 60).until(
            lambda one: one.execute_script("return document.readyState") == "complete"
        )
        held[count] = [contents(driver)]
        press(driver, "j")
        assert driver.find_element("id", "place").text == f"2 of {count}"
        held[count].append(contents(driver))
        driver.execute_script("state.text = '7'; refill()")
        assert driver.execute_script("return list.rows.length") < count
        driver.execute_script("state.text = ''; refill()")
        held[count].append(contents(driver))
    assert max(one.pop("rows") for one in [*held[100], *held[5000]]) < 60
    assert held[5000] == held[100]


def contents(driver) -> dict[str, int]:
    """Return how many rows the page holds, and how many elements and pictures beside them."""
    return driver.execute_script(
        "const count = (selector) => document.querySelectorAll(selector).length;"
        "return { rows: count('.row'), elements: count('*') - count('.row, .row *'),"
        "  pictures: count('img') - count('.row img') }"
    )


def test_five_thousand_textures_scroll(driver, large: str) -> None:
    """Wherever the list is scrolled to, it is full of rows one frame later, and no more rows exist than are needed."""
    driver.get(large)
    for share in (0.1, 0.5, 0.99):
        driver.execute_async_script(
            "const [share, done] = arguments; const box = byId('list');"
            "box.scrollTop = share * box.scrollHeight;"
            "requestAnimationFrame(() => requestAnimationFrame(done))",
            share,
        )
        top, bottom, rows = driver.execute_script(
            "const box = byId('list').getBoundingClientRect(), x = box.left + 100;"
            "const row = (y) => document.elementFromPoint(x, y).closest('.row')?.dataset.position ?? null;"
            "return [row(box.top + 2), row(box.bottom - 2), document.querySelectorAll('.row').length]"
        )
        assert top is not None
        assert bottom is not None
        assert abs(int(top) - share * 5000) < 60
        assert rows < 60
    press(driver, "\ue010")  # end
    assert driver.find_element("id", "place").text == "5000 of 5000"
    driver.find_element("css selector", "[aria-selected=true][aria-posinset='5000']")
    assert driver.get_log("browser") == []


def test_every_picture_of_the_sample_run_is_there(driver, tmp_path: Path, tiny_model: Path) -> None:
    recipe = REPOSITORY / "recipes" / "oot.yaml"
    command = [
        sys.executable,
        "-m",
        "texpipe",
        "run",
        recipe,
        "--model",
        tiny_model,
        "--output",
        tmp_path,
        "--report",
    ]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    driver.get((tmp_path / "report" / "index.html").as_uri())
    total = driver.execute_script("state.fold = false; refill(); return list.rows.length")
    duplicates = driver.execute_script("return TEXTURES.flatMap((one) => one.duplicates ?? []).length")
    assert total + duplicates == len(read_manifest(tmp_path / "manifest.json").textures)
    for _ in range(total):
        drawn = driver.execute_async_script(
            "const done = arguments[0], all = [...document.querySelectorAll('.plane img')];"
            "Promise.all(all.map((one) => one.decode())).then(() => done(all.length), () => done(-1))"
        )
        # Source and result, of a split picture those of every piece.
        name = driver.find_element("css selector", "#facts h2").text
        assert drawn > 0, name
        assert drawn % 2 == 0, name
        press(driver, "j")
    assert driver.get_log("browser") == []


def test_a_mirror_image_names_what_was_upscaled(driver, tmp_path: Path) -> None:
    def related(entry: Entry) -> Entry:
        axis: Flip = "none" if entry.source == "left.png" else "x"
        return replace(entry, mirror=Mirror("left.png", axis, "flipped texels"))

    for number, name in enumerate(("left.png", "right.png")):
        save_png(tmp_path / "dump" / name, texture(number))
    driver.get(write_report(pack_of_dump(tmp_path, change=related)).as_uri())
    driver.execute_script("reveal(TEXTURES.find((one) => one.source === 'right.png'))")
    facts = driver.find_element("id", "facts").text
    assert "2 MIRROR IMAGES" in facts
    assert "left and right swapped" in facts
    assert "flipped texels; upscaled was left.png" in facts


def test_variants_and_pieces_share_a_row(driver, tmp_path: Path) -> None:
    names = [f"GAME#00000001#2#1#0000000{palette}_ciByRGBA.png" for palette in (7, 8, 9)]
    tints = ["red.png", "blue.png"]

    def related(entry: Entry) -> Entry:
        variant = Variant("red.png", "their texels agree") if entry.source in tints else None
        return replace(entry, variant=variant)

    for number, name in enumerate([*names, *tints]):
        save_png(tmp_path / "dump" / name, texture(number))
    driver.get(write_report(pack_of_dump(tmp_path, change=related)).as_uri())
    more = [one.text for one in driver.find_elements("css selector", ".row .more")]
    assert sorted(more) == ["+1", "+2"]
    assert len(driver.find_elements("css selector", ".row")) == 2
    driver.execute_script("reveal(TEXTURES.find((one) => one.source === 'blue.png'))")
    facts = driver.find_element("id", "facts")
    assert "2 VARIANTS" in facts.text
    assert "their texels agree; upscaled was red.png" in facts.text
    facts.find_element("css selector", "button[title='red.png']").click()
    assert facts.find_element("css selector", "h2").text == "red.png"
    driver.find_element("id", "fold").click()
    assert len(driver.find_elements("css selector", ".row")) == 5


def test_the_warning_filter(page, output: Path) -> None:
    """What is marked in amber or red can be had alone."""
    marked = page.execute_script(
        "return TEXTURES.filter((one) => Object.keys(LIMITS).some((name) => severity(name, one) > 0))"
        ".map((one) => one.source)"
    )
    assert marked, "a random network misses the colours"
    menu = page.find_element("css selector", "[data-filter=warning]")
    menu.click()
    for box in menu.find_elements("css selector", "input"):
        if box.get_attribute("value") != "None":
            box.click()
    assert sorted(names(page)) == sorted(marked)


def test_the_filter_by_who_made_a_texture(driver, tmp_path: Path) -> None:
    makers = {
        "crate.png": Provenance("model", "texpipe-x4", 0.75),
        "face.png": Provenance("hand", file="faces/face.tga", sha256="0" * 64),
        "font.png": Provenance("nearest"),
        "hat.png": Provenance("edited"),
        "old.png": None,
    }
    for number, name in enumerate(makers):
        save_png(tmp_path / "dump" / name, texture(number))
    driver.get(
        write_report(pack_of_dump(tmp_path, change=lambda one: replace(one, by=makers[one.source]))).as_uri()
    )
    assert "1 by hand" in driver.find_element("css selector", ".counts").text
    menu = driver.find_element("css selector", "[data-filter=by]")
    menu.click()
    shown = {one.get_attribute("value"): one for one in menu.find_elements("css selector", "input")}
    assert set(shown) == {"texpipe-x4", "by hand", "repeated texels", "edited", "nothing made"}
    shown["by hand"].click()
    assert names(driver) == ["face.png"]
    shown["texpipe-x4"].click()
    assert sorted(names(driver)) == ["crate.png", "face.png"]
    press(driver, "\ue00c")
    driver.execute_script("reveal(TEXTURES.find((one) => one.source === 'crate.png'))")
    facts = driver.find_element("id", "facts").text
    assert "Made by" in facts
    assert "detail 0.75" in facts
    assert driver.get_log("browser") == []


def test_every_control_has_a_name_and_a_role(page) -> None:
    """As a screen reader gets them, with the dialog of keys open too."""
    look_at(page, "grass.png")
    press(page, "?")
    nodes = page.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    page.find_element("css selector", "dialog button").click()
    nodes += page.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    controls = [one for one in nodes if not one.get("ignored") and is_focusable(one)]
    nameless = [one["role"]["value"] for one in controls if not one.get("name", {}).get("value")]
    assert {one["role"]["value"] for one in controls} >= {
        "button", "combobox", "dialog", "link", "listbox", "radio", "searchbox", "slider",
    }  # fmt: skip
    assert not nameless
    pictures = [one for one in nodes if not one.get("ignored") and one["role"]["value"] in ("image", "img")]
    assert pictures
    assert all(one.get("name", {}).get("value") for one in pictures)


def is_focusable(node: dict) -> bool:
    return node["role"]["value"] not in ("RootWebArea", "generic", "region", "none") and any(
        one["name"] == "focusable" and one["value"]["value"] for one in node.get("properties", [])
    )


def test_the_tab_key_goes_from_finding_to_looking_to_stepping(page) -> None:
    look_at(page, "grass.png")
    stops = []
    page.execute_script("document.activeElement.blur(); window.focus()")
    for _ in range(40):
        press(page, "\ue004")  # tab
        stop = page.execute_script(
            "const at = document.activeElement; return at.id || at.closest('[id]')?.id || at.className"
        )
        if stops and stop == stops[0]:
            break
        stops.append(stop)
    order = [
        "open-help",
        "search",
        "menus",
        "sort",
        "list",
        "layout",
        "backdrop",
        "zoom-in",
        "slider",
        "next",
    ]
    seen = [stop for stop in dict.fromkeys(stops) if stop in order]
    assert seen == order, stops


def test_stepping_keeps_the_focus_on_the_slider(page) -> None:
    look_at(page, "grass.png")
    page.execute_script("byId('slider').focus()")
    press(page, "j")
    assert page.execute_script("return document.activeElement.id") in ("slider", "stage")


def test_beside_and_nine_tiles_use_the_stage(page) -> None:
    """Two planes of nine square tiles lie below each other where that leaves more room, and fill most of the height."""
    look_at(page, "brick.png", tiling="nine", layout="beside")
    page.execute_script("stage.fit()")
    box, before, after = page.execute_script(
        "return ['#stage', '.plane.before', '.plane.after'].map((one) =>"
        "document.querySelector(one).getBoundingClientRect().toJSON())"
    )
    used = [max(before[side], after[side]) for side in ("right", "bottom")]
    began = [min(before[side], after[side]) for side in ("left", "top")]
    shares = [
        (used[0] - began[0]) / box["width"],
        (used[1] - began[1]) / box["height"],
    ]
    assert max(shares) > 0.75
    assert used[0] <= box["right"]
    assert used[1] <= box["bottom"]


def test_more_filters_and_words(page) -> None:
    """Edges, format, who decided, how sure; the search knows them too."""
    menu = page.find_element("css selector", "[data-filter=edges]")
    menu.click()
    menu.find_element("css selector", "input[value=mirror]").click()
    assert names(page) == ["brick.png"]
    menu.find_element("css selector", "input[value=mirror]").click()
    press(page, "\ue00c")
    rule = page.find_element("css selector", "[data-filter=rule]")
    rule.click()
    rule.find_element("css selector", "input[value='rule 1']").click()
    assert names(page) == ["brick.png"]
    page.execute_script("clearFilters()")
    page.find_element("id", "search").send_keys("MIRROR rule 1")
    assert names(page) == ["brick.png"]
    page.find_element("id", "search").send_keys(" leaf")
    assert names(page) == []


def test_a_split_picture_is_shown_whole(driver, tmp_path: Path) -> None:
    halves = {"left.png": 0, "right.png": 16}

    def piece(entry: Entry) -> Entry:
        place = halves[entry.source]
        return replace(entry, group="sky", spot=Spot(place // 16, 0, place, 0, (32, 16), "by name"))

    for number, name in enumerate(halves):
        save_png(tmp_path / "dump" / name, texture(number, (16, 16)))
    output = pack_of_dump(tmp_path, change=piece)
    driver.get(write_report(output).as_uri())
    look_at(driver, driver.execute_script("return list.rows[0].texture.source"), 2)
    driver.execute_script("stage.slide(0)")
    after = np.concatenate([pictures(output, name)[1] for name in halves], axis=1)[..., :3]
    shown = within(driver, ".plane.after")
    assert shown.shape == after.shape
    assert (shown[:, 40:] == after[:, 40:]).all()
    driver.find_element("css selector", "#extent input[value=piece] + span").click()
    assert within(driver, ".plane.after").shape[1] == after.shape[1] // 2
    assert driver.get_log("browser") == []


def test_in_a_narrow_window_the_list_comes_first(page) -> None:
    page.set_window_size(700, 900)
    try:
        tops = page.execute_script(
            "return ['list', 'stage', 'facts'].map((id) => byId(id).getBoundingClientRect().top)"
        )
        assert tops == sorted(tops)
        assert page.execute_script("return document.documentElement.scrollWidth") <= 700
        page.find_element("css selector", "[role=option][title='grass.png']").click()
        assert page.execute_script("return byId('viewer').getBoundingClientRect().top") < 450
    finally:
        page.set_window_size(1280, 900)


def test_a_report_says_that_it_is_older_than_the_pack(driver, tmp_path: Path) -> None:
    output = finished_pack(tmp_path)
    page = write_report(output)
    driver.get(page.as_uri())
    assert not driver.find_elements("css selector", ".outdated")
    manifest = read_manifest(output / "manifest.json")
    write_manifest(output / "manifest.json", replace(manifest, texpipe="1"))
    assert older_report(output) == page
    driver.get(page.as_uri())
    said = driver.find_element("css selector", ".outdated").text
    assert "older than the pack" in said
    assert " UTC" in said
    assert driver.get_log("browser") == []


def test_the_facts_name_the_input_and_what_it_won_over(driver, tmp_path: Path) -> None:
    save_png(tmp_path / "dump" / "a.png", texture(0))

    def of_two(entry: Entry) -> Entry:
        maker = Provenance("hand", file="faces/a.tga", sha256="0" * 64)
        return replace(entry, input="second", instead_of=("first",), by=maker)

    driver.get(write_report(pack_of_dump(tmp_path, change=of_two)).as_uri())
    facts = driver.find_element("id", "facts").text
    assert "second" in facts
    assert "not used, in first" in facts
    assert "faces/a.tga" in facts
