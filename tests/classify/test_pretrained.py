"""Folders of model hubs: there and back, the card against the run's files, no paths, what is refused."""

import json

import numpy as np
import pytest
import torch
import yaml
from toy import one_line

from classify.__main__ import main
from classify.evaluation import load_run, predict_logits
from classify.exporting.graph import example_windows
from classify.metrics import interval_text
from classify.pretrained import PretrainedClassifier, without_places
from specgen.errors import InputError
from specgen.sequences import decode


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
