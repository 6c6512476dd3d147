"""The documents agree with the repository: links lead somewhere, recipes load, commands and codes exist."""

from __future__ import annotations

import contextlib
import re
import shlex
from pathlib import Path

import click
import pytest
from pages import PAGES, REPOSITORY, commands, is_example

from texpipe import errors
from texpipe.cli import texpipe
from texpipe.errors import ExitCode
from texpipe.formats import known_targets
from texpipe.recipe.load import load_recipe

LINK = re.compile(r"\]\(<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\)")
WHOLE_COMMANDS = (
    "python -m pip install -c constraints.txt . && texpipe run recipes/oot.yaml",
    'python -m pip install -c constraints.txt ".[dev]" && pytest',
)
HEAD = "version: 1\nname: example\ninput: dump\noutput: pack\n"


def links(page: Path) -> list[str]:
    """Return the relative links and pictures of a page, without its code blocks."""
    text = re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.M | re.S)
    text = re.sub(r"^(?: {4}|\t).*$|`[^`\n]*`", "", text, flags=re.M)
    return [link for link in LINK.findall(text) if not re.match(r"[a-z]+:", link)]


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text("utf-8"), flags=re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def parse(arguments: list[str]) -> None:
    """Let click take a call apart as the command line does, without doing anything."""
    group: click.Command = texpipe
    context = click.Context(texpipe, info_name="texpipe")
    while isinstance(group, click.Group) and arguments and not arguments[0].startswith("-"):
        name, *arguments = arguments
        command = group.get_command(context, name)
        if command is None:
            raise click.UsageError(f"no command {name!r}")
        group = command
    if isinstance(group, click.Group) or not arguments:
        return  # a mention such as `texpipe verify`
    if arguments[-1] in {
        name for option in group.params if isinstance(option, click.Option) for name in option.opts
    }:
        return  # a mention such as `texpipe run --shard`: the option is there
    with contextlib.suppress(click.exceptions.Exit):  # --help
        group.make_context("texpipe", list(arguments), parent=context)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_link_leads_nowhere(page: Path) -> None:
    dead = []
    for link in links(page):
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            dead.append(link)
    assert not dead


def test_the_search_for_links_misses_neither_pages_nor_pictures() -> None:
    assert "docs/recipes.md" in links(REPOSITORY / "README.md")
    assert "docs/pictures/before-after.png" in links(REPOSITORY / "README.md")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_command_is_one_that_click_refuses(page: Path) -> None:
    for arguments in filter(is_example, commands(page)):
        try:
            parse(arguments)
        except click.UsageError as error:
            pytest.fail(f"texpipe {shlex.join(arguments)}: {error.format_message()}")


def test_a_wrong_command_or_option_would_be_noticed() -> None:
    found = commands(REPOSITORY / "README.md")
    assert ["run", "recipes/oot.yaml"] in found
    assert any(call[0] == "verify" for call in found)
    for wrong in (["upscale"], ["run", "x.yaml", "--nonsense"], ["run", "x.yaml", "--device", "tpu"]):
        with pytest.raises(click.UsageError):
            parse(wrong)


@pytest.mark.parametrize("path", sorted((REPOSITORY / "recipes").glob("*.yaml")), ids=lambda path: path.name)
def test_no_shipped_recipe_has_a_mistake_or_a_missing_dump(path: Path) -> None:
    loaded = load_recipe(path, known_targets())
    assert loaded.recipe.targets
    assert all(path.is_dir() for path in loaded.inputs) or "DUMP" in path.read_text("utf-8"), (
        "a recipe without a dump says where one goes"
    )


@pytest.mark.parametrize("command", WHOLE_COMMANDS)
def test_the_readme_has_not_lost_the_commands_that_do_everything(command: str) -> None:
    assert f"    {command}\n" in (REPOSITORY / "README.md").read_text("utf-8")


def tasks() -> list[tuple[str, str]]:
    """Return the tasks of the cookbook: heading and text."""
    page = (REPOSITORY / "docs" / "cookbook.md").read_text("utf-8")
    return re.findall(r"^## (\d+\. .*?)\n(.*?)(?=^## |\Z)", page, flags=re.M | re.S)


@pytest.mark.parametrize(("title", "text"), tasks(), ids=lambda value: value[:12])
def test_no_task_of_the_cookbook_has_a_recipe_with_mistakes(title: str, text: str, tmp_path: Path) -> None:
    examples = re.findall(r"```yaml\n(.*?)```", text, flags=re.S)
    assert examples or "    texpipe" in text, f"{title} says nothing to do"
    for example in examples:
        path = tmp_path / "recipe.yaml"
        path.write_text(HEAD + ("" if "targets:" in example else "targets: [gliden64]\n") + example, "utf-8")
        assert load_recipe(path, known_targets()).recipe


def test_no_number_of_the_thirteen_tasks_is_missing() -> None:
    assert [int(title.split(".")[0]) for title, _ in tasks()] == list(range(1, 14))


def test_no_exit_code_is_missing_from_the_table_or_without_a_section() -> None:
    page = (REPOSITORY / "docs" / "errors.md").read_text("utf-8")
    rows = re.findall(r"^\| (\d+) \| `(\w+)` \| (.+) \|$", page, flags=re.M)
    assert [(int(code), name) for code, name, _ in rows] == [(one.value, one.name) for one in ExitCode]
    sections = [int(code) for code in re.findall(r"^## Code (\d+):", page, flags=re.M)]
    assert sections == [code for code in ExitCode if code != ExitCode.OK]


def test_no_error_ends_with_the_code_of_success() -> None:
    kinds = [
        one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, errors.TexpipeError)
    ]
    assert all(isinstance(one.exit_code, ExitCode) and one.exit_code for one in kinds)


def test_no_message_of_the_errors_page_has_left_the_code() -> None:
    """Messages in quotes are looked for in the sources, up to the first part that varies."""
    page = (REPOSITORY / "docs" / "errors.md").read_text("utf-8")
    code = "\n".join(path.read_text("utf-8") for path in (REPOSITORY / "texpipe").rglob("*.py"))
    for cell in re.findall(r"^\| (`.*?) \|", page, flags=re.M):
        for message in re.findall(r"`([^`]+)`", cell):
            if re.fullmatch(r"[\w-]+(?: --\w+)?", message):
                continue  # the name of a command
            fixed = max(re.split(r"'[^']*'|\.\.\.|\d+/\d+|/manifest.json", message), key=len).strip()
            assert fixed in code, message
