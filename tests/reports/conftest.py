"""A report's ``make`` and ``page``, which are modules of the same names in all reports."""

import importlib
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "reports"


@pytest.fixture
def report(request, tmp_path, monkeypatch):
    """Name, ``make`` and ``page`` of a report, in an empty place."""
    name = request.param
    monkeypatch.syspath_prepend(str(FOLDER))
    monkeypatch.syspath_prepend(str(FOLDER / name))
    before = set(sys.modules)
    for module in ("make", "page"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    make, page = importlib.import_module("make"), importlib.import_module("page")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "reports" / name).mkdir(parents=True)
    (tmp_path / "reports" / name / "README.md.j2").write_text((FOLDER / name / "README.md.j2").read_text())
    yield name, make, page
    for module, held in list(sys.modules.items()):  # other reports have modules of the same names
        if module not in before and Path(getattr(held, "__file__", None) or "/").parent == FOLDER / name:
            del sys.modules[module]
