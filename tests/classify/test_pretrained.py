"""Folders of model hubs: there and back, the card against the run's files, no paths, what is refused."""

import csv
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from toy import one_line

from classify.__main__ import main
from classify.bootstrap import interval_text
from classify.evaluation import load_run, predict_logits, run_settings
from classify.exporting.graph import example_windows
from classify.model_card import model_card
from classify.pretrained import PretrainedClassifier, without_places
from classify.tasks import TASKS
from specgen.errors import InputError
from specgen.sequences import decode

TOLD = ("name", "cell", "factor", "treatment", "group")


@pytest.fixture(scope="module")
def folder(base, tmp_path_factory):
    out = tmp_path_factory.mktemp("hub") / "toy"
    assert main(["export", "--run", str(base), "--out", str(out)]) == 0
    return out


def test_there_and_back(base, folder):
    assert sorted(path.name for path in folder.parent.iterdir()) == ["toy"]
    assert sorted(path.name for path in folder.iterdir()) == ["README.md", "config.json", "model.safetensors"]
    back, run = PretrainedClassifier.from_pretrained(folder), load_run(base)
    codes = example_windows(600, 3)
    logits = predict_logits(run, torch.from_numpy(codes))
    with torch.no_grad():
        assert back(torch.from_numpy(codes)).numpy() == pytest.approx(logits, abs=1e-6)
    texts = [decode(codes[0]), decode(codes[1])]
    assert back.predict_proba(texts) == pytest.approx(run.task.probabilities(logits[:2].astype(float)), abs=1e-6)
    assert (back.classes, back.window) == (run.task.classes, 600)


def test_saved_again_it_is_the_same(folder, tmp_path):
    PretrainedClassifier.from_pretrained(folder).save_pretrained(tmp_path / "again")
    for path in folder.iterdir():
        assert (tmp_path / "again" / path.name).read_bytes() == path.read_bytes(), path.name


def test_the_card_says_what_the_run_says(base, folder):
    card = (folder / "README.md").read_text(encoding="utf-8")
    body = json.loads((base / "metrics.json").read_text())
    _, head, text = card.split("---\n", 2)
    assert yaml.safe_load(head)["library_name"] == "specgen"
    assert "coding" in yaml.safe_load(head)["tags"]
    shown = text.replace("&#91;", "[").replace("&#93;", "]")
    for name, entry in body["metrics"].items():
        if value := interval_text(entry):
            assert f"| {name.replace('_', ' ')} | {value} |" in shown
    assert f"({body['n']} examples in {body['groups']} groups of the test split)" in text
    assert "600 nt" in text
    assert "## Limits" in text
    assert f"| parameters | {body['cost']['parameters']:,} |" in text


def test_no_path_of_the_machine_is_in_it(base, folder, runs):
    for name in ("README.md", "config.json"):
        assert str(runs) not in (folder / name).read_text()
    assert json.loads((folder / "config.json").read_text())["run"]["runs"] == "runs"
    kept = without_places({"a": ["/home/somebody/x.fa.gz", "$DATA/set", "~/y", "C:\\d\\z.fa"], "b": "human.fa", "c": 3})
    assert kept == {"a": ["x.fa.gz", "set", "y", "z.fa"], "b": "human.fa", "c": 3}


def test_a_folder_that_is_there_is_not_written_over(base, folder, capsys):
    assert main(["export", "--run", str(base), "--out", str(folder)]) == 2
    one_line(capsys, "is there already; expected the name of a folder to make")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("config.json", "{", "config.json: cannot be read"),
        ("config.json", "{}", "expected format 1 and a run, got None"),
        ("config.json", '{"format": 2, "run": {}}', "expected format 1 and a run, got 2"),
        ("config.json", '{"format": 1, "run": {"modle": "x"}}', "modle"),
        ("model.safetensors", "no tensors at all", "is no safetensors file"),
        ("model.safetensors", None, "model.safetensors: cannot be read"),
    ],
)
def test_damaged_folders(folder, tmp_path, name, content, message):
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / name).unlink() if content is None else (tmp_path / name).write_text(content)
    with pytest.raises(InputError, match=message):
        PretrainedClassifier.from_pretrained(tmp_path)


@pytest.mark.parametrize("place", ["nowhere/at/all", "nobody/nothing"])
def test_no_such_folder(place):
    with pytest.raises(InputError, match=f"{place}: no such folder, and no repository of a hub"):
        PretrainedClassifier.from_pretrained(place, local_files_only=True)


def test_weights_of_another_network(folder, tmp_path):
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    text = (tmp_path / "config.json").read_text()
    (tmp_path / "config.json").write_text(text.replace('"toy_test"', '"conv5"'))
    with pytest.raises(InputError, match="does not hold the weights of model 'conv5'"):
        PretrainedClassifier.from_pretrained(tmp_path)


def test_windows_of_another_length(folder):
    with pytest.raises(InputError, match=r"X\[1\]: expected 600 nt, got 4"):
        PretrainedClassifier.from_pretrained(folder).predict_proba(["A" * 600, "ACGT"])
    assert np.isfinite(PretrainedClassifier.from_pretrained(folder).predict_proba(["N" * 600])).all()


def test_a_card_that_is_no_text(folder, tmp_path):
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(b"\xff\xfe" if file.name == "README.md" else file.read_bytes())
    with pytest.raises(InputError, match=r"README.md: cannot be read as text in UTF-8"):
        PretrainedClassifier.from_pretrained(tmp_path)


@pytest.fixture(scope="module")
def exported(labelled, tmp_path_factory):
    """The folder, from a run whose labels are named by its table alone, which is not there when the folder is read."""
    out = tmp_path_factory.mktemp("hub") / "labelled"
    assert main(["export", "--run", str(labelled), "--out", str(out)]) == 0
    return out


class TestSeveralLabels:
    @pytest.fixture
    def elsewhere(self, exported, tmp_path, monkeypatch):
        """Another directory, in which no file of the data lies."""
        monkeypatch.chdir(tmp_path)
        return exported

    def test_names_and_thresholds_come_with_the_weights(self, labelled, elsewhere):
        model = PretrainedClassifier.from_pretrained(elsewhere)
        thresholds = json.loads((labelled / "decided.json").read_text())["thresholds"]
        assert len(set(thresholds.values())) > 1
        assert (model.classes, model.thresholds) == (tuple(thresholds), thresholds)
        with (labelled / "labels.csv").open(newline="") as file:
            rows = list(csv.DictReader(file))
        assert [{key: row[key] for key in TOLD} for row in model.labels] == [
            {key: row[key] for key in TOLD} for row in rows
        ]

    def test_predictions_by_name(self, labelled, elsewhere):
        model, run = PretrainedClassifier.from_pretrained(elsewhere), load_run(labelled)
        codes = example_windows(model.window, 40)
        texts = list(codes)
        chances = run.task.probabilities(predict_logits(run, torch.from_numpy(codes)).astype(float))
        named, called = model.predict_named(texts), model.predict(texts)
        for row, by_name, names in zip(chances, named, called, strict=True):
            assert list(by_name) == list(run.task.classes)
            assert list(by_name.values()) == pytest.approx(row, abs=1e-6)
            wanted = {name for name, value in by_name.items() if value >= model.thresholds[name]}
            assert (set(names), len(names)) == (wanted, len(wanted))
            assert [by_name[name] for name in names] == sorted((by_name[name] for name in names), reverse=True)
        assert len({len(names) for names in called}) > 1

    def test_saved_again_it_is_the_same(self, elsewhere, tmp_path):
        PretrainedClassifier.from_pretrained(elsewhere).save_pretrained(tmp_path / "again")
        for path in elsewhere.iterdir():
            assert (tmp_path / "again" / path.name).read_bytes() == path.read_bytes(), path.name

    def test_the_card_lists_them(self, labelled, elsewhere):
        card = (elsewhere / "README.md").read_text(encoding="utf-8")
        body = json.loads((labelled / "metrics.json").read_text())
        thresholds = json.loads((labelled / "decided.json").read_text())["thresholds"]
        for row in body["features"]:
            name = re.sub(r"[|<>&]", lambda match: f"&#{ord(match[0])};", row["name"])
            assert f"| {name} | {row['group']} | {thresholds[row['name']]:,.4g} | {row['auroc']:.4f} |" in card
        assert "more labels" not in card

    def test_the_card_of_many_labels_is_bounded(self, labelled, tmp_path):
        run = Path(shutil.copytree(labelled, tmp_path / "run"))
        body = json.loads((run / "metrics.json").read_text())
        names = [f"cell{i}|{'F' * 200}{i}|None" for i in range(919)]
        (run / "decided.json").write_text(json.dumps({"thresholds": {names[1]: 0.123456}}))
        body["features"] = [{**body["features"][0], "name": name} for name in names]
        (run / "metrics.json").write_text(json.dumps(body))
        task = TASKS["chromatin"](run_settings(run).data)
        task.know_classes(names)
        card = model_card(run, task)
        assert card.count("\n| cell") == 40
        assert "\n879 more labels stand in `config.json`.\n" in card
        assert "| 0.1235 |" in card
        assert card.count("| 0.5 |") == 39
        assert len(card) < 12_000

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (lambda labels: "x", "expected a list of labels, got str"),
            (
                lambda labels: [1, *labels],
                "label 1: expected name, cell, factor, treatment, group and threshold, got 1",
            ),
            (lambda labels: [{**labels[0], "more": 1}], "label 1: expected name, cell"),
            (lambda labels: [labels[0], {**labels[1], "name": ""}], "label 2: expected texts and a name"),
            (lambda labels: [{**labels[0], "cell": 3}], "label 1: expected texts and a name"),
            (lambda labels: [labels[0]] * 3, "names label 'K562|GATA1|None' twice"),
            (lambda labels: [{**labels[0], "threshold": 1.5}], "expected a threshold from 0 to 1, got 1.5"),
            (lambda labels: [{**labels[0], "threshold": "0.5"}], "expected a threshold from 0 to 1, got 0.5"),
            (lambda labels: [{**labels[0], "threshold": True}], "expected a threshold from 0 to 1, got True"),
            (lambda labels: labels[:2], "does not hold the weights of model 'deepbind'"),
        ],
    )
    def test_damaged_labels(self, elsewhere, tmp_path, change, message):
        folder = Path(shutil.copytree(elsewhere, tmp_path / "damaged"))
        body = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps({**body, "labels": change(body["labels"])}))
        with pytest.raises(InputError, match=re.escape(message)):
            PretrainedClassifier.from_pretrained(folder)

    def test_no_file_is_read_for_names(self, elsewhere, labelled, tmp_path):
        folder = Path(shutil.copytree(elsewhere, tmp_path / "unnamed"))
        body = json.loads((folder / "config.json").read_text())
        assert body["run"]["data"]["labels"] == []
        del body["labels"]
        body["run"]["data"]["train"] = [str(labelled.parents[3] / "labels.csv")]  # which is there
        (folder / "config.json").write_text(json.dumps(body))
        with pytest.raises(
            InputError, match=r"labels: expected some \(a folder of an earlier version.* task 'chromatin', got 0"
        ):
            PretrainedClassifier.from_pretrained(folder)


def test_classes_that_exclude_one_another_have_no_thresholds(folder, tmp_path):
    model = PretrainedClassifier.from_pretrained(folder)
    assert (model.labels, model.thresholds) == ([], {})
    assert "labels" not in json.loads((folder / "config.json").read_text())
    texts = list(example_windows(600, 3))
    assert [list(row.values()) for row in model.predict_named(texts)] == pytest.approx(model.predict_proba(texts))
    assert model.predict(texts) == [[model.classes[i]] for i in model.predict_proba(texts).argmax(1)]
    copied = Path(shutil.copytree(folder, tmp_path / "copied"))
    body = json.loads((copied / "config.json").read_text())
    label = {**dict.fromkeys(TOLD, "x"), "threshold": 0.5}
    (copied / "config.json").write_text(json.dumps({**body, "labels": [label]}))
    with pytest.raises(InputError, match="labels: expected none of task 'coding', got 1"):
        PretrainedClassifier.from_pretrained(copied)
