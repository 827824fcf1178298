"""The documents keep up with the house: links lead somewhere, every room has its row."""

import re
import subprocess
from pathlib import Path

import pytest
import typer

from quantdesk.main import build_app

ROOT = Path(__file__).resolve().parents[2]
ROOMS = sorted({path.parent.name for path in ROOT.glob("*/__init__.py")} - {"benchmarks"})
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_between_pages_leads_to_a_file(page: Path) -> None:
    targets = [
        target.split("#")[0]
        for target in LINK.findall(page.read_text(encoding="utf-8"))
        if not target.startswith(("http://", "https://", "#", "mailto:"))
    ]
    assert [target for target in targets if not (page.parent / target).exists()] == []


@pytest.mark.parametrize("room", ROOMS)
def test_the_architecture_page_names_every_room(room: str) -> None:
    assert f"`{room}`" in (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")


def test_every_module_that_the_architecture_page_names_stands() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    named = re.findall(rf"`((?:{'|'.join(ROOMS)}|policy|benchmarks|tests|docs)/[\w./*-]+)`", text)
    assert named
    assert [name for name in named if not list(ROOT.glob(name.rstrip("/")))] == []


def test_every_page_of_the_documentation_is_in_its_index() -> None:
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    pages = {page.name for page in (ROOT / "docs").glob("*.md")} - {"index.md"}
    assert [page for page in sorted(pages) if f"({page})" not in index] == []


def test_every_decision_is_listed() -> None:
    folder = ROOT / "docs" / "decisions"
    listed = (folder / "README.md").read_text(encoding="utf-8")
    records = sorted(path.name for path in folder.glob("[0-9]*.md"))
    assert records
    assert [name for name in records if f"({name})" not in listed] == []


def test_every_make_target_that_a_page_names_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {
        target
        for page in PAGES
        for target in re.findall(r"`make ([a-z-]+)", page.read_text(encoding="utf-8"))
    }
    assert named
    assert named <= targets


def commands_named_in(text: str) -> list[list[str]]:
    code = re.findall(r"```.*?```|`[^`\n]+`", text, re.DOTALL)
    return [
        line.split()
        for span in code
        for line in re.findall(r"(?<!import )quantdesk((?: [a-z-]+)+)", span)
    ]


def test_every_command_that_a_page_names_exists() -> None:
    root = typer.main.get_command(build_app())
    named = [words for page in PAGES for words in commands_named_in(page.read_text("utf-8"))]
    unknown = []
    for words in named:
        command = root
        for word in words:
            if not hasattr(command, "commands"):
                break  # The rest are arguments.
            if word not in command.commands:
                unknown.append(words)
                break
            command = command.commands[word]

    assert len(named) > 10
    assert unknown == []


def tracked_text() -> list[tuple[str, str]]:
    names = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split("\0")
    texts = []
    for name in filter(None, names):
        try:
            texts.append((name, (ROOT / name).read_text(encoding="utf-8")))
        except (UnicodeDecodeError, FileNotFoundError, IsADirectoryError):
            continue
    return texts


def test_the_project_names_no_folder_of_a_machine_and_leaves_nothing_unfinished() -> None:
    # Assembled, so that this file does not find itself.
    folders = "|".join(("home", "Users", "wo" + "rk"))
    unfinished = "|".join(("TO" + "DO", "FIX" + "ME", "NotImplemented" + "Error"))
    rule = re.compile(rf"(?<![\w.~-])/(?:{folders})/\w|\b(?:{unfinished})\b")

    found = [
        f"{name}: {match.group()}"
        for name, text in tracked_text()
        if not name.startswith("requirements/")
        if (match := rule.search(text))
    ]

    assert found == []
