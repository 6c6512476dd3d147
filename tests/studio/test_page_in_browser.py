"""The studio in a real browser: from a dump to a pack without touching a file."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml
from browser import chromium, require_browser
from dumps import texture
from payloads import PAYLOADS, SOURCES
from studio_page import screen_with

from texpipe.imaging.image_files import encode_png, save_png
from texpipe.probe.numbers import Numbers, write_numbers
from texpipe.studio.draft import Draft

pytestmark = pytest.mark.slow

HOSTILE = '"><img src=x onerror=document.title=1>.png'


class Studio:
    """A server of its own, and the browser that shows its page."""

    def __init__(self, driver, address: str, folder: Path) -> None:
        self.driver = driver
        self.address = address
        self.folder = folder

    def wait(self, condition: str, *values: object) -> object:
        """Wait until an expression of the page is true; return it."""
        from selenium.webdriver.support.ui import WebDriverWait

        script = f"return {condition}"
        return WebDriverWait(self.driver, 60, 0.03).until(lambda one: one.execute_script(script, *values))

    def press(self, keys: str, *held: str) -> None:
        """Press keys on the list."""
        from selenium.webdriver.common.action_chains import ActionChains

        self.driver.execute_script("byId('list').focus()")
        chain = ActionChains(self.driver)
        for key in held:
            chain.key_down(key)
        chain.send_keys(keys)
        for key in held:
            chain.key_up(key)
        chain.perform()

    def find(self, text: str) -> None:
        """Search, and choose the first texture found."""
        box = self.driver.find_element("id", "search")
        box.clear()
        box.send_keys(text)
        self.click("[role=option]")

    def click(self, selector: str) -> None:
        """Click on the first element of a selector, as soon as it stays where it is."""
        from selenium.common.exceptions import StaleElementReferenceException
        from selenium.webdriver.support.ui import WebDriverWait

        waiting = WebDriverWait(self.driver, 60, 0.03, ignored_exceptions=[StaleElementReferenceException])
        waiting.until(lambda one: one.find_element("css selector", selector).click() or True)

    def all_like_this(self, *scopes: str) -> str:
        """Check what textures have to share, and no more; return how many the page counts."""
        self.driver.execute_script(
            "for (const box of document.querySelectorAll('#scopes input'))"
            " if (box.checked !== arguments[0].includes(box.value)) box.click()",
            list(scopes),
        )
        return self.driver.find_element("id", "like-count").text

    def change(self, act: Callable[[], object]) -> None:
        """Do something, and wait until the draft has another version and the page shows it."""
        before = self.driver.execute_script("return studio.version")
        act()
        self.wait("studio.version !== arguments[0] && !byId('undo').disabled", before)

    def drop(self, box: str, png: bytes) -> None:
        """Drop a picture on a part of the page."""
        self.driver.execute_script(
            "const bytes = Uint8Array.from(atob(arguments[1]), (one) => one.charCodeAt(0));"
            "const dataTransfer = new DataTransfer();"
            "dataTransfer.items.add(new File([bytes], 'b.png', { type: 'image/png' }));"
            "byId(arguments[0]).dispatchEvent("
            "new DragEvent('drop', { dataTransfer, bubbles: true, cancelable: true }))",
            box,
            base64.b64encode(png).decode(),
        )

    def of(self, prefix: str, expression: str) -> list[object]:
        """Return a property of all textures whose names begin so."""
        return self.driver.execute_script(
            f"return TEXTURES.filter((one) => one.source.startsWith(arguments[0])).map((one) => {expression})",
            prefix,
        )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dump of walls, letters, a sky and a hostile name, and nothing else."""
    made = tmp_path_factory.mktemp("studio")
    names = [f"walls/{n}.png" for n in range(5)] + ["font/a.png", "font/b.png", "sky.png", HOSTILE]
    for number, name in enumerate(names):
        save_png(made / "walk" / name, texture(number, (16, 16)))
    return made


EDITOR = """#!/bin/sh
# Stands for the system's program: saves a picture over the one that it was asked to open.
cp "$(dirname "$0")/painted.png" "$1.new" && mv "$1.new" "$1"
echo "$1" > "$(dirname "$0")/note" && mv "$(dirname "$0")/note" "$(dirname "$0")/opened"
"""


@contextmanager
def served(folder: Path, given: str) -> Iterator[str]:
    """Serve the studio of a recipe or dump in a folder, with an editor that paints by itself; yields its address."""
    programs = folder / "programs"
    programs.mkdir(exist_ok=True)
    save_png(programs / "painted.png", texture(77, (64, 64)))
    (programs / "xdg-open").write_text(EDITOR)
    (programs / "xdg-open").chmod(0o755)
    command = [sys.executable, "-m", "texpipe", "studio", given, "--no-browser"]
    path = os.pathsep.join([str(programs), os.environ["PATH"]])
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, cwd=folder, env={**os.environ, "PATH": path}
    ) as server:
        try:
            assert server.stdout is not None
            yield server.stdout.readline().strip()
        finally:
            server.terminate()


@pytest.fixture(scope="module")
def studio(
    request: pytest.FixtureRequest, folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Studio]:
    require_browser(request.config)
    with served(folder, "walk") as address, chromium(tmp_path_factory.mktemp("profile")) as driver:
        driver.get(address)
        shown = Studio(driver, address, folder)
        shown.wait("document.documentElement.dataset.ready === 'true'")
        yield shown


def test_from_a_dump_to_a_pack(studio: Studio) -> None:
    from selenium.webdriver.support.select import Select

    driver = studio.driver
    first_recipe = (studio.folder / "walk.yaml").read_text()
    assert "rules: []" in first_recipe
    assert "token" not in driver.current_url, "nobody reads it over a shoulder"
    Select(driver.find_element("id", "queue")).select_by_value("unseen")
    studio.wait("list.rows.length === 9")

    # five walls wrap, by one key and one rule
    studio.find("walls")
    assert studio.all_like_this("folder", "size").endswith(": 5")
    studio.change(lambda: studio.press("w"))
    studio.wait("byId('told').textContent.includes('textures: 5')")
    assert studio.of("walls/", "one.edges.x + one.edges.y") == ["wrapwrap"] * 5
    studio.wait("stage.texture.after.file?.startsWith('blob:') && byId('stage').dataset.busy === 'false'")
    loaded = "document.querySelector('.plane.after img')?.complete"
    size = studio.wait(f"{loaded} && document.querySelector('.plane.after img').naturalWidth")
    assert size == 64

    # letters by another model
    studio.find("font")
    studio.all_like_this("folder")
    models = Select(driver.find_element("id", "field-model"))
    studio.change(lambda: models.select_by_value("texpipe-x4-preview"))
    assert studio.of("font/", "one.model") == ["texpipe-x4-preview"] * 2
    numbers = [studio.of(name, "one.rule")[0] for name in ("font/", "walls/", "sky")]
    assert numbers == [1, 2, 0], "as the recipe has them now"

    # a picture by hand is dropped on one of them
    studio.find("font/b")
    studio.drop("stage", encode_png(texture(99, (64, 64))))
    studio.wait("TEXTURES.some((one) => one.source === 'font/b.png' && one.by.kind === 'hand')")

    # a hostile name is text; a decision about it is taken back, and it is approved
    studio.find("onerror")
    studio.all_like_this()
    assert driver.find_element("css selector", "#panel h2").text == HOSTILE
    studio.change(lambda: studio.press("x"))
    assert studio.of('"', "one.action") == ["skip"]
    studio.press("z", "\ue009")
    studio.wait("TEXTURES.find((one) => one.source === arguments[0]).action === 'upscale'", HOSTILE)
    studio.press("a")
    studio.wait("studio.reviews.approve === 1")
    assert driver.title == "walk · texpipe studio"
    assert not driver.find_elements("css selector", "[onerror]")

    # the diff, the recipe, the run
    studio.click("#save")
    studio.wait("byId('diff').open && byId('diff-text').textContent.includes('edges: wrap')")
    studio.click("#save-now")
    studio.wait("!byId('diff').open && !studio.dirty")
    studio.click("#open-run")
    studio.click("#run-start")
    studio.wait("studio.run.state === 'done'")
    studio.click("#running form button")
    assert_pack_is_the_recipes(studio.folder, first_recipe)


def assert_pack_is_the_recipes(folder: Path, first_recipe: str) -> None:
    """The recipe holds the rules and all else of the first one, and the command line has nothing left to do."""
    text = (folder / "walk.yaml").read_text()
    kept = [line for line in first_recipe.splitlines() if line != "rules: []"]
    assert sum("#" in line for line in kept) > 5
    assert [line for line in kept if line not in text.splitlines()] == []
    assert "edges: wrap" in text
    assert "texpipe-x4-preview" in text
    before = files_of(folder / "build" / "walk" / "folder")
    assert len(before) == 8, "the hostile name is none that Windows allows"
    command = [sys.executable, "-m", "texpipe", "run", str(folder / "walk.yaml"), "--quiet"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads((folder / "build" / "walk" / "run.json").read_text())["computed"] == 0
    assert files_of(folder / "build" / "walk" / "folder") == before


def files_of(folder: Path) -> dict[str, str]:
    """Return the digest of each file below a folder."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def choose(studio: Studio, *names: str) -> None:
    """Choose rows with Ctrl."""
    studio.driver.execute_script(
        "clearFilters(); const names = [...arguments];"
        "names.forEach((name, at) => list.pick(list.rows.findIndex(({ texture }) => texture.source === name),"
        " { ctrlKey: at > 0 }, go)); refreshPanel()",
        *names,
    )


def test_pieces_become_one_picture_and_are_shown_whole(studio: Studio) -> None:
    choose(studio, "walls/0.png", "walls/1.png")
    studio.wait("list.chosen().length === 2 && byId('group')")
    studio.change(lambda: studio.click("#group"))
    studio.wait("stage.pieces?.length === 2 && !byId('extent').hidden")
    assert studio.of("walls/0", "one.group") == ["picture-1"]
    studio.wait("document.querySelectorAll('.plane.before .pieces img').length === 2")
    studio.wait("document.querySelectorAll('.plane.after .pieces img').length === 2")
    studio.press("g")
    studio.wait("document.querySelectorAll('.plane.before .pieces').length === 0")
    studio.press("g")
    studio.all_like_this("group")
    assert studio.driver.find_element("id", "like-count").text.endswith(": 2")
    studio.all_like_this()
    studio.change(lambda: studio.click("#ungroup"))
    studio.wait("TEXTURES.every((one) => one.group === null)")


def test_another_setting_is_shown_beside_before_it_is_taken(studio: Studio) -> None:
    from selenium.webdriver.support.select import Select

    choose(studio, "walls/2.png")
    studio.wait("stage.texture.after.file?.startsWith('blob:')")
    before = studio.driver.execute_script("return studio.version")
    studio.click("#trying")
    Select(studio.driver.find_element("id", "field-edges-x")).select_by_value("mirror")
    studio.wait("document.querySelector('.plane.other img')?.complete")
    shown = studio.driver.find_elements("css selector", "#stage figcaption")
    assert [one.text for one in shown] == ["Source", "Result", "Other setting"]
    assert studio.driver.execute_script("return studio.version") == before
    assert studio.of("walls/2", "one.edges.x") == ["wrap"]
    studio.change(lambda: studio.click("#take-tried"))
    studio.wait("TEXTURES.find((one) => one.source === 'walls/2.png').edges.x === 'mirror'")
    studio.wait("!document.querySelector('.plane.other')")
    studio.click("#layout [data-value=slider]")


def test_models_and_details_are_compared_in_columns(studio: Studio) -> None:
    from selenium.webdriver.support.select import Select

    driver = studio.driver
    driver.execute_script("studio.fields.model = ['texpipe-x4-preview', studio.model]")
    choose(studio, "font/a.png", "walls/4.png")
    studio.click("#open-compare")
    studio.wait("document.querySelectorAll('#columns .sample img').length === 4")
    heads = [
        one.get_attribute("textContent") for one in driver.find_elements("css selector", "#columns thead th")
    ]
    assert [head.split("Use")[0] for head in heads] == [
        driver.execute_script("return studio.model"),
        "texpipe-x4-preview",
    ]
    rows = driver.find_elements("css selector", "#columns tbody tr")
    studio.change(lambda: rows[1].find_elements("css selector", ".sample-pick")[1].click())
    assert studio.of("walls/4", "one.model") == ["texpipe-x4-preview"]
    Select(driver.find_element("id", "compare-what")).select_by_value("detail")
    studio.wait("document.querySelectorAll('#columns thead th').length === 5")
    studio.click("#compare form button")
    driver.execute_script("refreshState()")


def test_a_picture_changed_in_the_system_s_editor_is_shown(studio: Studio) -> None:
    choose(studio, "walls/1.png")
    studio.wait("stage.texture.after.file?.startsWith('blob:')")
    studio.click("#open-editor")
    studio.wait("TEXTURES.find((one) => one.source === 'walls/1.png').byHand")
    note = studio.folder / "programs" / "opened"
    while not note.exists():  # the program is not waited for
        time.sleep(0.05)
    opened = note.read_text().strip()
    assert Path(opened).name in ("1.png", "walls/1.png")
    painted = (studio.folder / "programs" / "painted.png").read_bytes()
    assert Path(opened).read_bytes() == painted
    wanted = texture(77, (64, 64))[0, 0, :3].tolist()
    studio.wait(
        "(() => { const image = document.querySelector('.plane.after img'); if (!image?.complete) return false;"
        "const canvas = document.createElement('canvas'); canvas.width = canvas.height = 1;"
        "const drawing = canvas.getContext('2d'); drawing.drawImage(image, 0, 0);"
        "return [...drawing.getImageData(0, 0, 1, 1).data].slice(0, 3).join() === arguments[0].join(); })()",
        wanted,
    )


def test_a_change_by_an_editor_is_told_and_nothing_is_overwritten(studio: Studio) -> None:
    recipe = studio.folder / "walk.yaml"
    studio.driver.execute_script("clearFilters()")
    studio.find("walls/4")
    studio.all_like_this()
    studio.change(lambda: studio.press("m"))
    rule = "rules:  # by an editor\n  # the sky stays as it is\n  - {match: {name: sky.png}, action: copy}\n"
    edited = recipe.read_text().replace("rules:\n", rule)
    assert rule in edited
    recipe.write_text(edited)
    studio.wait("!byId('alarm').hidden")
    studio.click("#save")
    studio.wait("byId('diff').open")
    studio.click("#save-now")
    studio.wait("!byId('diff').open")
    assert recipe.read_text() == edited
    studio.click("#reload")
    studio.wait("TEXTURES.find((one) => one.source === 'walls/4.png').edges.x === 'wrap'")
    studio.wait("byId('alarm').hidden && !studio.dirty")
    assert studio.of("sky", "one.action") == ["copy"]
    studio.change(lambda: studio.press("m"))
    studio.click("#save")
    studio.wait("byId('diff').open")
    studio.click("#save-now")
    studio.wait("!byId('diff').open && !studio.dirty")
    assert [line for line in edited.splitlines() if line not in recipe.read_text().splitlines()] == []


def test_a_draft_of_another_studio_is_told_until_the_notice_is_closed(studio: Studio) -> None:
    recipe = studio.folder / "walk.yaml"
    studio.driver.execute_script("clearFilters()")
    studio.find("walls/3")
    studio.all_like_this()
    studio.change(lambda: studio.press("m"))
    other = Draft.open(recipe)  # goes on with what is not saved, as a second studio does
    other.change(f"# of another studio\n{other.body()}")
    studio.change(lambda: studio.press("w"))
    studio.wait("byId('notices').textContent.includes('.walk.yaml.draft.2')")
    studio.click("#notices button")
    assert studio.driver.execute_script("return byId('notices').childElementCount") == 0
    studio.driver.execute_script("undo()")
    studio.wait("!attempts")
    studio.driver.execute_script("undo()")
    studio.wait("!attempts && !studio.dirty")
    assert other.kept_file.exists()
    assert not other.kept_file.with_name(".walk.yaml.draft.2").exists()
    other.kept_file.unlink()


def test_a_screenshot_becomes_the_list_of_what_is_on_it(studio: Studio, tmp_path: Path) -> None:
    driver = studio.driver
    numbers = Numbers(tuple(studio.of("", "one.source")))
    write_numbers(studio.folder / "build" / "walk-probe", numbers.names)
    driver.find_element("id", "search").send_keys("sky")
    studio.click("#open-screen")
    studio.drop("seeing", b"no picture")
    studio.wait("byId('screen-line').textContent.startsWith('the screenshot: ')")
    driver.get_log("browser")  # which has the refusal
    shot = tmp_path / "shot.png"
    shot.write_bytes(screen_with(numbers, "walls/3.png", HOSTILE))
    driver.find_element("id", "screen-file").send_keys(str(shot))
    studio.wait("!byId('seeing').open && byId('told').textContent.startsWith('On the screen: 2 textures')")
    assert driver.execute_script("return list.rows.map(({ texture }) => texture.source)") == [
        "walls/3.png",
        HOSTILE,
    ]
    shown = driver.execute_script(
        "return [byId('queue'), byId('sort')].map((one) => one.selectedOptions[0].text)"
    )
    assert shown == ["What I see here (2)", "Share of the screen"]
    studio.click("#open-screen")
    studio.drop("seeing", screen_with(numbers, HOSTILE))
    studio.wait("list.rows.length === 1 && !byId('seeing').open")
    driver.execute_script("clearFilters()")


def test_rows_are_chosen_with_the_keyboard(studio: Studio) -> None:
    shift, down, up, end, home = "\ue008", "\ue015", "\ue013", "\ue010", "\ue011"
    driver = studio.driver
    driver.execute_script("clearFilters(); list.pick(0, null, go)")
    chosen = "return [list.current, list.chosen().length]"
    for keys, held, wanted in (
        (down * 2, [shift], [2, 3]),
        (up, [shift], [1, 2]),
        (down, [], [2, 1]),
        (end, [], [8, 1]),
        (home, [shift], [0, 9]),
        (home, [], [0, 1]),
        (down, [], [1, 1]),
    ):
        studio.press(keys, *held)
        assert driver.execute_script(chosen) == wanted, (keys, held)
    assert driver.find_element("id", "panel").text.count("null") == 0
    field = driver.find_element("id", "field-outline")
    studio.change(lambda: field.send_keys("h"))
    assert driver.switch_to.active_element.get_attribute("id") == "field-outline", "one goes on from there"
    studio.change(lambda: driver.execute_script("undo()"))


def test_the_page_and_its_reasons_are_german_where_the_browser_asks(studio: Studio) -> None:
    driver = studio.driver
    agent = driver.execute_script("return navigator.userAgent")

    def speak(language: str) -> None:
        override = {"userAgent": agent, "acceptLanguage": language}
        driver.execute_cdp_cmd("Emulation.setUserAgentOverride", override)
        driver.get("about:blank")
        driver.get(studio.address)
        studio.wait("document.documentElement.dataset.ready === 'true'")

    speak("de")
    studio.find("font/a")
    studio.wait("byId('reasons')?.textContent.includes('Alpha ist überall 255')")
    shown = driver.find_element("id", "panel").text
    assert driver.execute_script("return document.documentElement.lang") == "de"
    assert "Regel" in driver.find_element("css selector", ".row[data-current]").text
    assert "erkannt" in shown
    assert not [word for word in ("classify", "picture to upscale", "everywhere", "null") if word in shown]
    box = driver.find_element("id", "search")
    box.clear()
    box.send_keys("regel font")
    studio.wait("list.rows.length > 0")
    speak("en")


def test_two_pages_show_the_same(studio: Studio) -> None:
    """A decision of one page shows up in the other by itself."""
    driver = studio.driver
    first = driver.current_window_handle
    driver.switch_to.new_window("tab")
    driver.get(studio.address)
    studio.wait("document.documentElement.dataset.ready === 'true'")
    studio.find("walls/3")
    studio.change(lambda: studio.press("c"))
    driver.close()
    driver.switch_to.window(first)
    studio.wait("TEXTURES.find((one) => one.source === 'walls/3.png').edges.x === 'clamp'")


def test_every_control_of_the_page_has_a_name(studio: Studio) -> None:
    """As a screen reader gets them."""
    nodes = studio.driver.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    roles = (
        "button",
        "checkbox",
        "combobox",
        "listbox",
        "option",
        "radio",
        "searchbox",
        "slider",
        "spinbutton",
        "textbox",
    )
    controls = [one for one in nodes if not one.get("ignored") and one["role"]["value"] in roles]
    assert {one["role"]["value"] for one in controls} >= {
        "button",
        "checkbox",
        "combobox",
        "listbox",
        "searchbox",
    }
    assert not [one["role"]["value"] for one in controls if not one.get("name", {}).get("value")]


def test_nothing_was_refused_by_the_page_s_policy(studio: Studio) -> None:
    """No inline script or style; no error but for results that are not made yet, and details of models without."""
    log = [line["message"] for line in studio.driver.get_log("browser")]
    assert all("what=result" in line or "409" in line or "&detail=" in line for line in log), log


def test_no_payload_of_a_dump_or_recipe_is_executed(studio: Studio, tmp_path: Path, tiny_model: Path) -> None:
    for number, name in enumerate(SOURCES):
        save_png(tmp_path / "dump" / name, texture(number, (8, 8)))
    rules = [{"match": {"name": f"{text}*"}, "edges": {"x": "wrap"}} for text in PAYLOADS]
    recipe = {"version": 1, "name": "payloads", "input": "dump", "output": "out", "model": str(tiny_model)}
    (tmp_path / "payloads.yaml").write_text(yaml.safe_dump({**recipe, "targets": ["folder"], "rules": rules}))
    with served(tmp_path, "payloads.yaml") as address:
        studio.driver.get(address)
        studio.wait("document.documentElement.dataset.ready === 'true'")
        for name in SOURCES:
            studio.driver.execute_script(
                "go(list.rows.findIndex((row) => row.texture.source === arguments[0]))", name
            )
            title = studio.driver.find_element("css selector", "#panel h2")
            assert title.get_property("textContent") == name
        studio.change(lambda: studio.press("w"))
        studio.press("a")
        studio.driver.find_element("id", "search").send_keys("<img src=x")
        assert studio.driver.execute_script("return window.pwned ?? null") is None
        made = "[onerror], [onload], [ontoggle], iframe, base, meta[http-equiv=refresh]"
        assert not studio.driver.find_elements("css selector", made)
        log = [line["message"] for line in studio.driver.get_log("browser")]
        assert all("what=result" in line for line in log), log
