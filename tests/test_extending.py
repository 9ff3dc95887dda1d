"""Plug-ins: the four files of the tutorial are found, listed, trained, compared and drawn; what is wrong with one is told."""

import json
import os
import subprocess
import sys

import pytest
from tutorials import ROOT, calls_of, write_files

PAGE = ROOT / "docs" / "tutorials" / "extending.md"
NAMES = {"specgen": ["pairing", "sepia"], "classify": ["repeats", "cells"]}

# All commands in one process: torch is started once. A plug-in that would be loaded in the middle of an import says so.
DRIVER = """
import importlib, json, pkgutil, sys
import specgen, classify
for package in (specgen, classify):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if not module.name.startswith("specgen.plugins."):
            importlib.import_module(module.name)
assert "specgen.plugins.cells" not in sys.modules, "loaded by an import"
for program, arguments in json.loads(sys.argv[1]):
    code = importlib.import_module(program + ".__main__").main(arguments)
    assert code == 0, (program, arguments, code)
from specgen.jobs import _environment  # what job.json keeps as made_with
assert "specgen.plugins.cells" in _environment()
"""


def python(*arguments, cwd, plugins):
    surroundings = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{cwd}", "SPECGEN_PLUGINS": plugins}
    return subprocess.run(
        [sys.executable, *arguments], cwd=cwd, env=surroundings, capture_output=True, text=True, timeout=600
    )


@pytest.fixture(scope="module")
def used(tmp_path_factory):
    folder = tmp_path_factory.mktemp("extending")
    write_files(PAGE, folder)
    done = python("-c", DRIVER, json.dumps(calls_of(PAGE)), cwd=folder, plugins="plugins")
    assert done.returncode == 0, done.stderr
    return folder, done.stdout


@pytest.mark.slow
def test_the_page_shows_four_files_and_uses_them(used):
    folder, _ = used
    assert sorted(p.name for p in (folder / "plugins").glob("*.py")) == [
        "cells.py", "pairing.py", "repeats.py", "sepia.py",
    ]  # fmt: skip


@pytest.mark.slow
def test_lists_name_them(used):
    for name in ("pairing", "sepia", "repeats", "cells"):
        assert f"\n  {name} " in used[1]
        assert f"\n  specgen.plugins.{name} " in used[1]


@pytest.mark.slow
def test_a_run_says_what_it_was_made_with(used):
    folder, _ = used
    for name in ("sepia", "voss"):
        run = folder / "runs" / "repeats" / "cells" / name
        told = json.loads((run / "environment.json").read_text())["plugins"]
        assert set(told) == {f"specgen.plugins.{n}" for n in ("pairing", "sepia", "repeats", "cells")}
        assert all(len(value) == 64 for value in told.values())
        assert json.loads((run / "metrics.json").read_text())["task"] == "repeats"
        assert (run / "report.html").is_file()


@pytest.mark.slow
def test_they_are_compared(used):
    text = (used[0] / "compared" / "compare.md").read_text()
    assert "sepia" in text
    assert "voss" in text


@pytest.mark.slow
def test_they_are_in_the_gallery(used):
    folder = used[0] / "gallery"
    text = (folder / "index.md").read_text()
    for file in ("representation_pairing.png", "palette_sepia.png", "palette_delta_z.png"):
        assert f"]({file})" in text
        assert (folder / file).read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("files", "match"),
    [
        ({"a.py": "x = 1\nx +\n"}, "a.py, line 2: SyntaxError: invalid syntax"),
        ({"a.py": "\n\nraise SystemExit(3)\n"}, "a.py, line 3: SystemExit: 3"),
        ({"a.py": "from specgen.representations import register_representation as r\nr('voss', [1, 2, 3, 4], ('x',), '')\n"},
         "a.py, line 2: ValueError: representation 'voss' is registered twice"),
        ({"a.py": "from specgen.representations import REPRESENTATIONS\n\nREPRESENTATIONS['vos']\n"},
         "a.py, line 3: unknown representation 'vos'; did you mean 'voss'?"),
        ({"a-b.py": ""}, "a-b.py: expected a name of letters, digits and underscores"),
        (None, "SPECGEN_PLUGINS: {folder}: expected a folder of plug-ins, there is none"),
    ],
    ids=["syntax", "exit", "taken", "unknown", "name", "folder"],
)  # fmt: skip
def test_a_broken_one_is_told_in_one_line(tmp_path, files, match):
    folder = tmp_path / "plugins"
    for name, text in (files or {}).items():
        folder.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    # No torch is needed for it where the plug-in needs none.
    code = "import sys; from specgen.__main__ import main; sys.exit(main(['list']))"
    done = python("-c", code, cwd=tmp_path, plugins=str(folder))
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert match.format(folder=folder) in done.stderr


def test_two_of_one_name_and_a_failure_that_stays(tmp_path):
    folders = [tmp_path / "a", tmp_path / "b"]
    for folder in folders:
        folder.mkdir()
        (folder / "same.py").write_text("")
    code = (
        "from specgen.extending import load_plugins\n"
        "for _ in range(2):\n"
        "    try:\n        load_plugins()\n"
        "    except ValueError as error:\n        print(error)\n"
    )
    done = python("-c", code, cwd=tmp_path, plugins=os.pathsep.join(map(str, folders)))
    first, again = done.stdout.splitlines()
    assert (
        first == again == f"plug-in {folders[1] / 'same.py'}: there is another of that name, {folders[0] / 'same.py'}"
    )


def test_entry_points_helpers_and_objects_in_other_processes(tmp_path):
    """An installed package is found by its metadata; a helper is imported by name; a plug-in's object can be pickled."""
    folder = tmp_path / "plugins"
    folder.mkdir()
    (folder / "_shared.py").write_text("WIDTH = 4\n")
    (folder / "widths.py").write_text("from specgen.plugins._shared import WIDTH\n\n\nclass Wide:\n    width = WIDTH\n")
    (tmp_path / "installed.py").write_text(
        "from specgen.representations import register_representation\n"
        "register_representation('from_a_package', [1, 2, 3, 4], ('x',), 'a package')\n"
    )
    metadata = tmp_path / "installed-1.2.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: installed\nVersion: 1.2\n")
    (metadata / "entry_points.txt").write_text("[specgen.plugins]\nany = installed\n")
    (tmp_path / "check.py").write_text(
        "import multiprocessing\n"
        "from specgen.extending import plugins\n"
        "def width(kind):\n    return kind.width\n"
        "if __name__ == '__main__':\n"
        "    print(plugins()['installed'], 'specgen.plugins._shared' in plugins())\n"
        "    from specgen.plugins.widths import Wide\n"
        "    from specgen.representations import REPRESENTATIONS\n"
        "    print('from_a_package' in REPRESENTATIONS)\n"
        "    with multiprocessing.get_context('spawn').Pool(1) as pool:\n"
        "        print(pool.map(width, [Wide()]))\n"
    )
    done = python("check.py", cwd=tmp_path, plugins="plugins")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["installed 1.2 False", "True", "[4]"]
