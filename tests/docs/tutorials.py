"""The tutorials as their readers meet them: files that a page shows, and commands that it has typed."""

import re
import shlex
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted((ROOT / "docs" / "tutorials").glob("*.md"))

_FILE = re.compile(r"^```\{code-block\} \w+\n:caption: (\S+)\n\n(.*?)^```$", re.M | re.S)
_CONSOLE = re.compile(r"^```console\n(.*?)^```$", re.M | re.S)


def files_of(page):
    """Path -> text of the files that a page shows."""
    return dict(_FILE.findall(page.read_text(encoding="utf-8")))


def write_files(page, folder):
    for name, text in files_of(page).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def commands_of(page):
    """What stands behind a $ in fenced consoles, in order; a backslash at the end joins the next line."""
    found = []
    for block in _CONSOLE.findall(page.read_text(encoding="utf-8")):
        for line in re.sub(r"\\\n", " ", block).splitlines():
            if line.startswith("$ "):
                found.append(line[2:])
    return found


def calls_of(page):
    """(program, arguments) of the commands that are ours."""
    words = [shlex.split(command, comments=True) for command in commands_of(page)]
    return [(w[2], w[3:]) for w in words if w[:2] == ["python", "-m"] and w[2] in ("specgen", "classify")]
