"""The documentation: its pages exist, what tutorials type is understood, and (slow) all of it runs and is built."""

import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
from tutorials import PAGES, ROOT, calls_of, commands_of, write_files

from specgen.parser import CommandParser

DOCS = ROOT / "docs"
MADE = {"gallery/index", "api/specgen/index", "api/classify/index"}
IDS = [page.stem for page in PAGES]


def navigation(page):
    """Entries of the toctrees of a page."""
    text = page.read_text(encoding="utf-8")
    blocks = re.findall(r"^```\{toctree\}\n(.*?)^```$", text, re.M | re.S)
    return [line for block in blocks for line in block.splitlines() if line and not line.startswith(":")]


def test_every_page_of_the_navigation_exists():
    entries = [entry for page in (DOCS / "index.md", DOCS / "benchmarks.md") for entry in navigation(page)]
    assert len(entries) > 15
    for entry in entries:
        found = (
            list(DOCS.glob(f"{entry}.md")) if "*" not in entry else list(ROOT.glob(f"{entry.removeprefix('../')}.md"))
        )
        assert found or entry in MADE, entry


def test_every_page_has_a_title():
    untitled = [p for p in (*(ROOT / "benchmarks").glob("*.md"), *ROOT.glob("reports/*/README.md"), *PAGES, *DOCS.glob("*.md"))
                if not re.search(r"^# \S", p.read_text(encoding="utf-8"), re.M)]  # fmt: skip
    assert not untitled


def test_every_page_is_in_the_navigation():
    entries = set(navigation(DOCS / "index.md"))
    pages = {path.relative_to(DOCS).with_suffix("").as_posix() for path in [*DOCS.glob("*.md"), *PAGES]}
    assert pages - {"index"} == {entry for entry in entries if not entry.startswith("..")} - MADE


def test_links_between_pages_lead_somewhere():
    broken = []
    for page in [*DOCS.glob("*.md"), *PAGES]:
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8")):
            if not target.startswith("http") and target not in MADE and not (page.parent / target).exists():
                broken.append((page.name, target))
    assert not broken


class Parsed(Exception):
    """A command line was understood; nothing is done."""


@pytest.fixture
def parsing(monkeypatch):
    """Commands end where they have parsed their arguments."""
    parse = CommandParser.parse_args

    def parse_args(self, *arguments, **options):
        raise Parsed(parse(self, *arguments, **options))

    monkeypatch.setattr(CommandParser, "parse_args", parse_args)


def understood(program, arguments):
    import importlib

    try:
        importlib.import_module(f"{program}.commands.{arguments[0]}").run(arguments[1:])
    except Parsed:
        return True
    return False


# Those of the page on plug-ins need them, and test_extending runs them all.
@pytest.mark.parametrize("page", [page for page in PAGES if page.stem != "extending"], ids=lambda page: page.stem)
def test_the_command_line_understands_every_command(page, parsing, tmp_path, monkeypatch):
    write_files(page, tmp_path)
    (tmp_path / "configs").symlink_to(ROOT / "configs")  # as `classify configs` would write them
    monkeypatch.chdir(tmp_path)
    calls = calls_of(page)
    assert len(calls) > 1
    for program, arguments in calls:
        assert understood(program, arguments), arguments


def test_a_mistyped_command_is_noticed(parsing):
    with pytest.raises(ValueError, match="epoch"):
        understood("classify", ["train", "--training.epoch", "3"])


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_every_command_runs(page, tmp_path):
    """One shell from an empty folder, which stops at the first command that fails."""
    write_files(page, tmp_path)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", "\n".join(commands_of(page))],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT), "PATH": path}, capture_output=True, text=True, timeout=1800,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]


def test_pages_of_the_site_link_to_pages_of_the_site():
    patterns = runpy.run_path(str(ROOT / "docs" / "conf.py"))["include_patterns"]
    pages = {path for pattern in patterns if pattern.endswith(".md") for path in ROOT.glob(pattern)}
    made = (ROOT / "docs" / "gallery", ROOT / "docs" / "api")
    links = 0
    for page in pages:
        for target in re.findall(r"\]\(([^)#:]+\.md)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            linked = (page.parent / target).resolve()
            assert linked in pages or any(folder in linked.parents for folder in made), f"{page}: {target}"
            links += 1
    assert links > 20


@pytest.mark.slow
def test_the_site_is_built_without_a_warning(tmp_path):
    pytest.importorskip("sphinx", reason="comes with `make install`")
    python = [sys.executable, "-m"]
    source = tmp_path / "source"
    # A copy, since pages of the interface are written beside the others while the site is built.
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    drawn = [
        *python,
        "specgen",
        "show",
        "ACGGATTTACGGCATTCAGGA" * 30,
        "--all",
        "--out",
        str(source / "docs" / "gallery"),
    ]
    for command in (drawn, [*python, "sphinx", "-W", "--keep-going", "-q", "-c", "docs", ".", "docs/_build/html"]):
        done = subprocess.run(command, cwd=source, capture_output=True, text=True, timeout=3600)
        assert done.returncode == 0, done.stderr[-4000:]
    site = source / "docs" / "_build" / "html"
    for page in ("index", "docs/index", "docs/method", "docs/gallery/index", "docs/api/specgen/spectrogram/index"):
        assert (site / f"{page}.html").is_file(), page
