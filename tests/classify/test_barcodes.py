"""Barcode maps: the rule of the sample by hand, the file, what a run keeps of each epoch, and what is drawn of it."""

import csv
import json

import numpy as np
import pytest
import torch
from matplotlib.collections import QuadMesh
from matplotlib.colors import to_rgb
from safetensors.numpy import load_file, save_file
from test_chromatin_task import COMMON
from toy import one_line, train

from classify.__main__ import main
from classify.barcodes import MOST_LABELS, Barcodes, choose_examples, choose_labels, read_barcodes, truth_of
from classify.evaluation import load_run, predict_logits
from classify.reporting.barcodes import draw_barcodes, epochs_figure, inputs_figure, maps_figure
from classify.reporting.figures import LETTER_COLOURS
from classify.reporting.page import write_report
from classify.tasks import TASKS
from specgen.errors import InputError
from specgen.sequences import decode, encode


def test_labels_that_hold_most_in_their_own_order():
    truth = np.array([[1, 0, 1, 1, -1], [1, 0, 0, 1, -1], [0, 0, 1, 1, 1]], dtype=np.int8)  # 2, 0, 2, 3, 1
    assert choose_labels(truth, 2).tolist() == [0, 3]
    assert choose_labels(truth, 3).tolist() == [0, 2, 3]
    assert choose_labels(truth, 9).tolist() == [0, 1, 2, 3, 4]
    wide = np.eye(200, dtype=np.int8)
    assert choose_labels(wide).tolist() == list(range(MOST_LABELS))


def test_what_is_rare_is_in_the_sample():
    truth = np.zeros((1000, 1), dtype=np.int8)
    truth[[5, 500, 900]] = 1
    chosen = choose_examples(truth, 32, 0)
    assert chosen[:3].tolist() == [5, 500, 900]
    assert len(set(chosen.tolist())) == 32
    np.testing.assert_array_equal(chosen, choose_examples(truth, 32, 0))
    assert set(chosen) != set(choose_examples(truth, 32, 1))
    assert sorted(choose_examples(truth, 2000, 0)) == list(range(1000))


def test_examples_are_taken_by_turns_and_come_in_the_order_of_their_labels():
    # Strata: first label a: 0 to 3; first label b: 4; none, of which 6 is not known to have any: 5 to 7.
    truth = np.array(
        [[1, 0], [1, 1], [1, 0], [1, -1], [0, 1], [0, 0], [-1, 0], [0, 0]],
        dtype=np.int8,
    )
    for seed in range(20):
        chosen = choose_examples(truth, 5, seed).tolist()
        assert 4 in chosen
        assert len(set(chosen) & {0, 1, 2, 3}) == len(set(chosen) & {5, 6, 7}) == 2
        # With a before without, of these with b before without, and -1 last.
        order = [(-truth[i, 0], -truth[i, 1], i) for i in chosen]
        assert order == sorted(order)
    one = {tuple(choose_examples(truth, 1, seed)) for seed in range(40)}
    assert any(i in (5, 6, 7) for (i,) in one)
    assert (4,) in one


def test_truth_of_classes_and_of_labels():
    assert truth_of(np.array([2, 0, 1]), np.array([1, 2])).tolist() == [[0, 1], [0, 0], [1, 0]]
    table = np.array([[1, 0, -1], [0, 1, 1]], dtype=np.int8)
    found = truth_of(table, np.array([0, 2]))
    assert found.tolist() == [[1, -1], [0, 1]]
    assert found.dtype == np.int8


def letters_of(text):
    """Codes, of "=" padding."""
    return np.where(np.array(list(text)) == "=", 0, encode(text.replace("=", "A"))).astype(np.uint8)


def made(m=4, c=2, epochs=3, letters="ACGTN", seed=0):
    rng = np.random.default_rng(seed)
    truth = rng.integers(-1, 2, (m, c)).astype(np.int8)
    codes = None if letters is None else np.stack([np.roll(letters_of(letters), i) for i in range(m)])
    names = tuple(f"label $x^{i}$" for i in range(c))
    chances = rng.random((epochs, m, c)).astype(np.float32)
    return Barcodes(tuple(f"<id {i}>" for i in range(m)), names, 9, truth, chances, codes)


@pytest.mark.parametrize("letters", ["ACGTN", None])
def test_the_file_holds_everything_and_is_the_same_twice(tmp_path, letters):
    given = made(letters=letters)
    (tmp_path / "b.safetensors").write_bytes(given.dump())
    found = read_barcodes(tmp_path / "b.safetensors")
    assert (found.ids, found.names, found.labels_in_all) == (given.ids, given.names, 9)
    np.testing.assert_array_equal(found.truth, given.truth)
    np.testing.assert_array_equal(found.probabilities, given.probabilities)
    assert (found.codes is None) == (letters is None)
    if letters:
        np.testing.assert_array_equal(found.codes, given.codes)
    assert found.dump() == given.dump() == made(letters=letters).dump()


def test_damaged_files(tmp_path):
    path = tmp_path / "b.safetensors"
    with pytest.raises(InputError, match="cannot be read as barcodes"):
        read_barcodes(path)
    path.write_bytes(made().dump()[:-7])
    with pytest.raises(InputError, match="cannot be read as barcodes"):
        read_barcodes(path)
    given = made()
    arrays = {"truth": given.truth, "probabilities": given.probabilities}
    save_file(arrays, path)
    with pytest.raises(InputError, match="cannot be read as barcodes"):
        read_barcodes(path)
    for text in ("[" * 5000, '{"ids": [], "names": [], "labels_in_all": 1e999}'):
        save_file(arrays, path, metadata={"barcodes": text})
        with pytest.raises(InputError, match="cannot be read as barcodes"):
            read_barcodes(path)
    told = json.dumps({"ids": given.ids[1:], "names": given.names, "labels_in_all": 2})
    save_file(arrays, path, metadata={"barcodes": told})
    with pytest.raises(InputError, match="expected truth and probabilities of 3 examples and 2 labels"):
        read_barcodes(path)


def test_a_run_keeps_what_it_says_of_validation_examples(labelled):
    found = read_barcodes(labelled / "barcodes.safetensors")
    with (labelled.parents[3] / "labels.csv").open(newline="") as file:
        table = {row["id"]: row for row in csv.DictReader(file)}
    with (labelled / "split.csv").open(newline="") as file:
        val = {row["id"] for row in csv.DictReader(file) if row["split"] == "val"}
    assert len(found.ids) == len(set(found.ids)) == 32
    assert set(found.ids) <= val
    assert found.probabilities.shape == (6, 32, 3)
    assert {1, 0, -1} == set(found.truth.ravel().tolist())
    for name, codes, row in zip(found.ids, found.codes, found.truth.tolist(), strict=True):
        assert decode(codes) == table[name]["sequence"]
        assert row == [{"NA": -1}.get(table[name][label]) or int(table[name][label]) for label in found.names]
    # The network that was kept says the same of these letters.
    best = json.loads((labelled / "training.json").read_text())["training"]["best_epoch"]
    loaded = load_run(labelled)
    chances = loaded.task.probabilities(predict_logits(loaded, torch.from_numpy(found.codes)).astype(np.float64))
    np.testing.assert_allclose(found.probabilities[best - 1], chances, atol=1e-6)
    assert np.abs(found.probabilities[0] - found.probabilities[-1]).max() > 0.1


def test_an_interrupted_run_of_labels_ends_with_the_same_barcodes(labelled, tmp_path, monkeypatch):
    from classify.module import Classifier

    step = Classifier.training_step

    def stopping(module, batch, index):
        if (module.current_epoch, index) == (3, 2):
            raise KeyboardInterrupt
        return step(module, batch, index)

    options = ["--config", str(labelled / "config.yaml"), "--runs", str(tmp_path)]
    with monkeypatch.context() as patch:
        patch.setattr(Classifier, "training_step", stopping)
        assert main(["train", *options]) == 130
    folder = tmp_path / "chromatin" / "deepbind" / "default"
    assert len(read_barcodes(folder / "barcodes.safetensors").probabilities) == 3
    assert main(["train", *options, "--resume"]) == 0
    for name in ("barcodes.safetensors", "labels.csv", "model.safetensors"):
        assert (folder / name).read_bytes() == (labelled / name).read_bytes(), name


def test_without_barcodes_a_run_is_the_same(base, tmp_path):
    code, folder = train(tmp_path, "none", "--training.barcodes", "0")
    assert code == 0
    assert not (folder / "barcodes.safetensors").exists()
    assert not list((folder / "figures").glob("barcode*"))
    for name in ("model.safetensors", "predictions.csv"):
        assert (folder / name).read_bytes() == (base / name).read_bytes()


def test_two_classes_are_one_column(base):
    found = read_barcodes(base / "barcodes.safetensors")
    with (base / "split.csv").open(newline="") as file:
        labels = {row["id"]: row["label"] for row in csv.DictReader(file) if row["split"] == "val"}
    assert found.names == ("CDN",)
    assert [labels[name] == "CDN" for name in found.ids] == (found.truth[:, 0] == 1).tolist()
    assert len(found.ids) == min(32, len(labels))
    assert {path.stem for path in (base / "figures").glob("barcode*")} == {"barcode_inputs", "barcode_epochs"}


def test_tasks_without_classes_have_none():
    task = TASKS["language"](TASKS["language"].Settings())
    assert len(task.barcoded) == 0


@pytest.mark.parametrize("given", ["-1", "65"])
def test_how_many_are_kept(tmp_path, capsys, given):
    assert main(["train", *COMMON, "--runs", str(tmp_path), "--training.barcodes", given]) == 2
    one_line(capsys, f"training.barcodes: expected 0 to 64, got {given}")


def drawn(axes):
    """Values of the strips of a panel, from above."""
    return [mesh.get_array() for mesh in axes.collections if isinstance(mesh, QuadMesh)]


def test_strips_of_few_labels_have_a_column_an_example():
    given = made(m=5, c=2, epochs=3)
    figure = epochs_figure(given, best=2)
    assert len(figure.axes) == 2
    for i, axes in enumerate(figure.axes):
        truth, chances = drawn(axes)
        np.testing.assert_array_equal(truth, given.truth[None, :, i])
        np.testing.assert_allclose(chances, given.probabilities[:, :, i])
        assert [text.get_text() for text in axes.get_yticklabels()] == ["true", "1", "kept: 2", "3"]
        assert axes.get_title(loc="left") == rf"label \$x^{i}\$"


def test_strips_of_many_labels_have_a_column_a_label():
    given = made(m=9, c=7, epochs=2)
    figure = epochs_figure(given)
    most = sorted(np.argsort(-(given.truth == 1).sum(axis=1), kind="stable")[:6].tolist())
    assert [axes.get_title(loc="left") for axes in figure.axes] == [given.ids[i] for i in most]
    for i, axes in zip(most, figure.axes, strict=True):
        truth, chances = drawn(axes)
        np.testing.assert_array_equal(truth[0], given.truth[i])
        np.testing.assert_allclose(chances, given.probabilities[:, i])
    assert len(figure.axes[-1].get_xticklabels()) == 7


@pytest.mark.parametrize("best", [1, 37, 100, None])
def test_of_many_epochs_some_are_drawn_and_the_one_that_was_kept(best):
    axes = epochs_figure(made(epochs=100), best).axes[0]
    assert len(drawn(axes)[1]) == 24
    words = [text.get_text() for text in axes.get_yticklabels()]
    assert len(words) <= 11
    assert (f"kept: {best}" in words) == (best is not None)


def test_maps_show_all_examples_before_and_after():
    given = made(m=9, c=7, epochs=4)
    first, second, third = maps_figure(given, best=3).axes
    np.testing.assert_array_equal(drawn(first)[0], given.truth)
    np.testing.assert_allclose(drawn(second)[0], given.probabilities[0])
    np.testing.assert_allclose(drawn(third)[0], given.probabilities[2])
    assert third.get_title(loc="left").endswith("3 (kept)")
    assert len(maps_figure(made(c=7, epochs=1), best=1).axes) == 2


def test_letters_are_bars_in_their_colours():
    given = made(m=2, letters="ACGTN=")
    left, right = inputs_figure(given).axes
    np.testing.assert_array_equal(drawn(left)[0], given.truth)
    picture = right.images[0].get_array()
    expected = [*(to_rgb(LETTER_COLOURS[letter]) for letter in "ACGT"), to_rgb("#8c8c8c"), (1, 1, 1)]
    np.testing.assert_allclose(picture[0], expected)
    np.testing.assert_allclose(picture[1], np.roll(expected, 1, axis=0))
    wide = inputs_figure(made(m=2, letters="AC" * 500)).axes[1]
    assert wide.images[0].get_array().shape == (2, 400, 3)
    assert wide.get_xlabel().endswith("the middle 400 of 1,000")
    assert wide.get_xlim() == (300.5, 700.5)


def test_the_page_shows_them_and_a_damaged_file_is_named(labelled, copy):
    page = (labelled / "report.html").read_text()
    for name in ("barcode_inputs", "barcode_epochs"):
        assert f"figures/{name}.png" in page
        assert (labelled / "figures" / f"{name}.png").is_file()
    (copy / "barcodes.safetensors").write_bytes(b"nothing")
    with pytest.raises(InputError, match=r"barcodes\.safetensors: cannot be read as barcodes"):
        write_report(copy)
    (copy / "barcodes.safetensors").unlink()
    assert draw_barcodes(copy, 1) == []
    write_report(copy)


def test_probabilities_are_stored_as_they_were(labelled):
    stored = load_file(labelled / "barcodes.safetensors")
    assert {name: array.dtype for name, array in stored.items()} == {
        "truth": np.int8, "probabilities": np.float32, "codes": np.uint8,
    }  # fmt: skip
