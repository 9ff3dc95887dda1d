"""Ensembles: the mean by hand, what they are compared as, and what cannot be joined."""

import json

import numpy as np
import pytest
from made_up import make_run

from classify.commands.evaluate import print_result
from classify.comparison import compare
from classify.ensembling import ensemble, mean_probabilities
from classify.reporting.finished import read_finished
from classify.runs import RunFolder
from specgen.errors import InputError

LABELS = [0, 0, 1, 1, 0, 1]
ONE = np.array([0.2, 0.4, 0.7, 0.4, 0.1, 0.9])
OTHER = np.array([0.1, 0.7, 0.6, 0.8, 0.3, 0.8])


@pytest.fixture
def members(tmp_path):
    return [make_run(tmp_path / f"s{seed}", LABELS, scores, seed=seed) for seed, scores in enumerate((ONE, OTHER))]


def test_the_mean_of_log_odds_by_hand():
    mean = mean_probabilities([np.array([[0.2, 0.8]]), np.array([[0.5, 0.5]])])
    assert mean[0, 1] / mean[0, 0] == pytest.approx(2.0)
    assert mean.sum() == pytest.approx(1)


def test_certainty_of_one_member_stays_finite():
    mean = mean_probabilities([np.array([[0.0, 1.0]]), np.array([[0.9, 0.1]])])
    assert np.isfinite(mean).all()
    assert mean[0, 1] > 0.99


def test_a_run_like_any_other(members, tmp_path):
    out = tmp_path / "ensemble" / "both"
    body = ensemble(members, out)
    found = read_finished(out)
    odds = np.sqrt(ONE / (1 - ONE) * OTHER / (1 - OTHER))
    assert found.probabilities[:, 1] == pytest.approx(odds / (1 + odds), abs=1e-8)
    assert found.labels.tolist() == LABELS
    assert body["metrics"]["auroc"]["value"] == pytest.approx(1.0)  # each member errs on another example
    assert json.loads((out / "metrics.json").read_text())["cost"]["parameters"] == 2000
    assert (out / "report.html").is_file()
    assert body["bounds"] == {}
    print_result(RunFolder(out), body)  # as the command does
    assert not RunFolder(out).marker.exists()
    assert "| ensemble | both |" in compare([*members, out])


def test_what_cannot_be_joined(members, tmp_path):
    with pytest.raises(InputError, match="expected two runs or more, got 1"):
        ensemble([members[0], members[0]], tmp_path / "out")
    others = make_run(tmp_path / "others", LABELS, ONE, ids=[f"x{i}" for i in range(6)])
    with pytest.raises(InputError, match="was scored on other examples than"):
        ensemble([members[0], others], tmp_path / "out")
    classes = make_run(tmp_path / "classes", LABELS, ONE, classes=["a", "b"])
    with pytest.raises(InputError, match="has other classes than"):
        ensemble([members[0], classes], tmp_path / "out")
    with pytest.raises(InputError, match="holds something already"):
        ensemble(members, members[0])
    assert not (tmp_path / "out").exists()


def test_one_that_was_stopped_can_be_made_again(members, tmp_path, monkeypatch):
    out = tmp_path / "both"
    with monkeypatch.context() as patch:
        patch.setattr("classify.ensembling.write_report", lambda run: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            ensemble(members, out)
    assert RunFolder(out).marker.exists()
    ensemble(members, out)
    assert (out / "report.html").is_file()
    assert not RunFolder(out).marker.exists()
