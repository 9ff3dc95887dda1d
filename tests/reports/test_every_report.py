"""What holds for every report: its jobs are commands that can be given, and its page says what has not been made."""

import inspect
from pathlib import Path

import pytest

from classify.baselines import BASELINES
from classify.models import MODELS

ROOT = Path(__file__).resolve().parents[2]
REPORTS = sorted(path.parent.name for path in ROOT.glob("reports/*/make.py"))
EVERY = pytest.mark.parametrize("report", REPORTS, indirect=True)


def test_there_are_reports():
    assert {"coding", "exon_start", "tfbs", "language"} <= set(REPORTS)


@EVERY
def test_a_page_without_runs(report):
    name, _, page = report
    (made,) = (value for value in vars(page).values() if inspect.isclass(value) and value.__module__ == "page")
    page.write_page(Path.cwd(), page.HERE, made)
    text = Path(f"reports/{name}/README.md").read_text()
    assert "ot made yet" in text or "runs are missing" in text
    assert "None" not in text
    assert "nan" not in text.lower().replace("nano", "")


@EVERY
def test_jobs_name_configurations_models_and_folders_that_are_theirs(report):
    name, make, _ = report
    jobs = [job for first in make.everything() for job in first.all()]
    assert len({job.done for job in jobs}) == len(jobs)
    for job in jobs:
        for before, word in zip(job.arguments, job.arguments[1:], strict=False):
            assert before != "--config" or (ROOT / word).is_file() or word.startswith("runs/")
        if job.run and "--model" in job.arguments:
            model = job.arguments[job.arguments.index("--model") + 1]
            assert model in MODELS
            assert Path(job.run).parts[:3] == ("runs", name, model)
            assert Path(job.run).name == job.arguments[job.arguments.index("--name") + 1]
        elif "--only" in job.arguments and "baselines" in job.arguments:
            only = job.arguments[job.arguments.index("--only") + 1 :]
            assert {word for word in only if not word.startswith("--")} <= {*BASELINES}
