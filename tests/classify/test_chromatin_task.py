"""Windows with several labels: the overlap rule base by base, tables and copies, masks in the loss, and whole runs."""

import csv
import json

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from sklearn.metrics import f1_score, roc_auc_score
from torch.nn import functional as F

from classify.__main__ import main
from classify.chromatin.inputs import ChromatinSettings
from classify.chromatin.settings import TrackSettings
from classify.chromatin.simulation import simulate_mat
from classify.chromatin.tracks import bin_labels
from classify.datasets import TileDataset
from classify.evaluation import load_run
from classify.interpretation.explainer import Explainer
from classify.interpretation.settings import AttributionSettings
from classify.peaks.places import Intervals
from classify.peaks.reading import Peak
from classify.splits import SplitSettings
from classify.tasks.chromatin import ChromatinTask
from specgen.errors import InputError
from specgen.sequences import decode, encode, reverse_complement

pytestmark = pytest.mark.usefixtures("unrendered")

RNG = np.random.default_rng(5)
LETTERS = "".join(RNG.choice(list("ACGT"), 30_000))


def peak(start, end, name, contig="chrT"):
    return Peak(contig, start, end, (start + end) // 2, 0.0, name, "made up", 1)


def naive_labels(peaks, names, starts, width, overlap):
    """Each base of each bin is looked at."""
    found = []
    for start in starts:
        row = []
        for name in names:
            inside = sum(
                any(p.name == name and p.start <= at < p.end for p in peaks) for at in range(start, start + width)
            )
            row.append(int(inside / width >= overlap))
        found.append(row)
    return np.array(found)


@pytest.mark.parametrize("width", [1, 7, 20])
@pytest.mark.parametrize("overlap", [0.01, 0.5, 1.0])
def test_the_overlap_rule_base_by_base(width, overlap):
    lows = RNG.integers(0, 300, 40)
    peaks = [
        peak(int(a), int(a + n), "abc"[i % 3])
        for i, (a, n) in enumerate(zip(lows, RNG.integers(1, 30, 40), strict=True))
    ]
    starts = np.arange(0, 340, width)
    found = bin_labels(peaks, ["a", "b", "c", "none"], starts, width, overlap)
    np.testing.assert_array_equal(found, naive_labels(peaks, ["a", "b", "c", "none"], starts, width, overlap))
    assert 0 < found[:, :3].mean() < 1


def test_half_of_a_bin_is_enough_and_deepsea_asks_for_one_more():
    peaks = [peak(100, 200, "half"), peak(99, 200, "more"), peak(100, 199, "less"), peak(0, 110, "share")]
    names = ["half", "more", "less", "share"]
    for overlap, expected in (
        (0.5, [1, 1, 0, 1]),
        (0.505, [0, 1, 0, 1]),
        (0.55, [0, 0, 0, 1]),
    ):  # 0.55 * 200 is above 110
        assert bin_labels(peaks, names, np.array([0]), 200, overlap).tolist() == [expected]


def test_half_a_bin_is_enough_and_pieces_of_a_track_count_together():
    starts = np.array([0, 200, 400])
    peaks = [peak(100, 200, "x"), peak(200, 250, "x"), peak(230, 299, "x"), peak(400, 450, "x"), peak(550, 600, "x")]
    assert bin_labels(peaks, ["x"], starts, 200, 0.5)[:, 0].tolist() == [1, 0, 1]
    assert bin_labels([*peaks, peak(299, 300, "x")], ["x"], starts, 200, 0.5)[:, 0].tolist() == [1, 1, 1]
    assert bin_labels([*peaks, peak(299, 300, "y")], ["x"], starts, 200, 0.5)[:, 0].tolist() == [1, 0, 1]
    assert Intervals.of([]).covered(starts, starts + 9).tolist() == [0, 0, 0]


def write_genome(folder, blacklist="", letters=LETTERS):
    (folder / "genome.fa").write_text(f">chrT\n{letters}\n")
    lows = np.sort(np.random.default_rng(1).choice(29_000, 150, replace=False))
    lines = [f"chrT\t{low}\t{low + 250}\tt{i % 3}\t0\t.\t1\t-1\t-1\t100\n" for i, low in enumerate(lows.tolist())]
    (folder / "peaks.narrowPeak").write_text("".join(lines))
    (folder / "blacklist.bed").write_text(blacklist)
    return [peak(low, low + 250, f"t{i % 3}") for i, low in enumerate(lows.tolist())]


def tracks_of(folder, window=600, split=None, **settings):
    given = {"block": 3000, "gap": 200, **settings}
    files = given.pop("files", [str(folder / "peaks.narrowPeak")])
    tracks = TrackSettings(files=files, genome=str(folder / "genome.fa"), **given)
    split = split or SplitSettings(test_fraction=0.3, val_fraction=0.3)
    return ChromatinTask(ChromatinSettings(tracks=tracks, window=window, split=split))


def test_windows_and_labels_of_tracks(tmp_path):
    peaks = write_genome(tmp_path)
    examples = tracks_of(tmp_path).load()
    assert examples.classes == ("t0", "t1", "t2")
    table = examples.targets.gather(np.arange(len(examples)))
    starts = []
    for name, codes, row in zip(examples.ids, examples.sequences, table, strict=True):
        low, high = map(int, name.partition(":")[2].split("-"))
        assert high - low + 1 == 600
        assert decode(codes) == LETTERS[low - 1 : high]
        starts.append(low - 1 + 200)
        assert starts[-1] % 200 == 0
        assert row.any()
    np.testing.assert_array_equal(table, naive_labels(peaks, examples.classes, starts, 200, 0.5))
    counts = examples.counts
    labelled = naive_labels(peaks, examples.classes, range(0, 30_000, 200), 200, 0.5).any(axis=1)
    assert (counts["bins"], counts["bins_without_a_label"]) == (150, int((~labelled).sum()))
    dropped = counts["windows_past_a_contigs_end_dropped"] + counts["where_splits_meet_dropped"]
    assert len(examples) == labelled.sum() - dropped
    assert {name.partition("block_")[2] for name in examples.groups} <= {str(i) for i in range(10)}


def test_no_letter_is_in_windows_of_two_splits(tmp_path):
    write_genome(tmp_path)
    examples = tracks_of(tmp_path).load()
    seen = {}
    for name, split in zip(examples.ids, examples.split, strict=True):
        low, high = map(int, name.partition(":")[2].split("-"))
        for at in range(low, high + 1):
            assert seen.setdefault(at, split) == split
    assert set(examples.split) == {"train", "val", "test"}


def test_what_is_left_out_is_counted(tmp_path):
    low = write_genome(tmp_path)[20].start
    letters = LETTERS[:low] + "N" * 100 + LETTERS[low + 100 :]
    write_genome(tmp_path, "chrT\t10000\t10001\n", letters)
    whole = tracks_of(tmp_path, split=SplitSettings(strategy="test")).load()
    task = tracks_of(tmp_path, split=SplitSettings(strategy="test"), blacklist=str(tmp_path / "blacklist.bed"))
    examples = task.load()
    low = np.array([int(name.partition(":")[2].partition("-")[0]) - 1 for name in whole.ids])
    blacklisted = (low <= 10_000) & (low + 600 > 10_000)
    assert examples.counts["blacklisted_dropped"] == blacklisted.sum() > 0
    assert len(examples) == len(whole) - blacklisted.sum()
    n = np.array([text.count("N") for text in (letters[a : a + 600] for a in low.tolist())])
    assert n.max() <= 30
    assert whole.counts["rich_in_ambiguous_letters_dropped"] > 0


def test_empty_bins_are_kept_by_hash(tmp_path):
    write_genome(tmp_path)
    none, some, every = (tracks_of(tmp_path, empty=share).load() for share in (0.0, 0.5, 1.0))
    assert set(none.ids) < set(some.ids) < set(every.ids)
    empty = ~some.targets.gather(np.arange(len(some))).any(axis=1)
    assert empty.sum() > 0
    assert every.counts["bins_without_a_label_kept"] == every.counts["bins_without_a_label"]


def test_a_file_a_track_and_choice_of_labels(tmp_path):
    write_genome(tmp_path)
    for name in ("a", "b"):
        (tmp_path / f"{name}.bed").write_text("chrT\t1000\t3000\nchrT\t9000\t9400\nchrT\t20000\t24000\n")
    files = [str(tmp_path / "b.bed"), str(tmp_path / "a.bed")]
    assert tracks_of(tmp_path, files=files, by="file").classes == ("a", "b")
    with pytest.raises(InputError, match=r"line 1: has no name to tell its track by; data\.tracks\.by file"):
        tracks_of(tmp_path, files=files).load()
    chosen = ChromatinTask(
        ChromatinSettings(
            tracks=TrackSettings(files=[str(tmp_path / "peaks.narrowPeak")], genome=str(tmp_path / "genome.fa")),
            labels=["t[12]"],
        )
    )
    assert chosen.classes == ("t1", "t2")
    # Whole names need no data until the windows are cut.
    elsewhere = TrackSettings(files=[str(tmp_path / "peaks.narrowPeak")], genome=str(tmp_path / "genome.fa"))
    task = ChromatinTask(ChromatinSettings(tracks=elsewhere, labels=["t2", "t0", "t9"]))
    assert task.classes == ("t2", "t0", "t9")
    with pytest.raises(InputError, match=r"'t9'.*did you mean 't[0-9]'"):
        task.load()


def rows(n=90, length=60):
    """Sequences with three labels: GATTACA, CCCGGG and TATATA anywhere."""
    rng, found = np.random.default_rng(8), []
    for i in range(n):
        text = list(rng.choice(list("ACGT"), length))
        held = rng.random(3) < 0.45
        for word, at, has in zip(("GATTACA", "CCCGGGC", "TATATAT"), (3, 20, 40), held, strict=True):
            at += int(rng.integers(8))
            text[at : at + 7] = word if has else text[at : at + 7]
        text = "".join(text)
        found.append([f"r{i}", text, *(int(word in text) for word in ("GATTACA", "CCCGGGC", "TATATAT"))])
    return found


def write_table(path, table, columns=("id", "sequence", "a", "b", "c")):
    path.write_text("".join(",".join(map(str, row)) + "\n" for row in [columns, *table]))
    return path


def table_of(*files, window=60, **settings):
    return ChromatinTask(ChromatinSettings(train=[str(file) for file in files], window=window, **settings))


def test_tables_with_missing_labels(tmp_path):
    table = rows()
    table[0][2], table[1][3], table[2][4] = "", "NA", "nan"
    examples = table_of(write_table(tmp_path / "t.csv", table)).load()
    assert examples.classes == ("a", "b", "c")
    found = dict(zip(examples.ids, examples.targets.gather(np.arange(len(examples))).tolist(), strict=True))
    for name, _, *labels in table:
        assert found[name] == [label if isinstance(label, int) else -1 for label in labels]
    inputs, labels, _ = TileDataset(examples, 1).__getitems__([4, 0])
    assert labels.dtype == torch.int8
    np.testing.assert_array_equal(labels, examples.targets.gather(np.array([4, 0])))
    assert decode(inputs[0].numpy()) == table[4][1]
    np.testing.assert_array_equal(examples.take(np.array([3])).targets.gather(np.array([0]))[0], found[examples.ids[3]])


def test_columns_can_be_chosen(tmp_path):
    path = write_table(tmp_path / "t.csv", rows())
    assert table_of(path, labels=["c", "a"]).load().targets.table.shape[1] == 2
    with pytest.raises(InputError, match=r"column of labels in .*'d'"):
        table_of(path, labels=["d"]).load()


def test_copies_complete_and_contradict_one_another(tmp_path):
    table = rows()
    text = table[0][1]
    turned = decode(reverse_complement(encode(text)))
    table[0][2:] = ["1", "", "0"]
    table += [["copy", turned, "", "0", "1"], ["bare", table[1][1], "", "", ""]]
    examples = table_of(write_table(tmp_path / "t.csv", table)).load()
    found = dict(zip(examples.ids, examples.targets.gather(np.arange(len(examples))).tolist(), strict=True))
    assert found["r0"] == [1, 0, -1]
    assert found["r1"] == table[1][2:]
    assert not {"copy", "bare"} & set(found)
    assert (examples.counts["copies_merged"], examples.counts["labels_contradicted_by_a_copy"]) == (2, 1)


def test_an_official_test_stays_and_its_copies_leave_training(tmp_path):
    table = rows()
    test = [["x", table[0][1], 1, 0, 1], ["y", table[0][1], 0, 1, 1], *rows(99)[90:]]
    settings = {"test": [str(write_table(tmp_path / "test.csv", test))]}
    examples = table_of(write_table(tmp_path / "t.csv", table), **settings).load()
    assert examples.part("test").ids == ["x", "y", *(f"r{i}" for i in range(90, 99))]
    assert "r0" not in examples.ids
    assert examples.counts["same_or_overlapping_in_a_later_split_dropped"] == 1


def test_fasta_pairs_are_one_label(tmp_path):
    for name, low in (("pos", 0), ("neg", 45)):
        (tmp_path / f"{name}.fa").write_text("".join(f">{r[0]}\n{r[1]}\n" for r in rows()[low : low + 45]))
    task = table_of(tmp_path / "pos.fa", train_negatives=[str(tmp_path / "neg.fa")], labels=["open"])
    examples = task.load()
    assert examples.classes == ("open",)
    assert examples.targets.gather(np.arange(90))[:, 0].tolist() == [1] * 45 + [0] * 45


@pytest.mark.parametrize(
    ("cell", "match"),
    [("2", "line 2: expected 0, 1 or nothing .NA. in the column 'a', got '2'"), ("x", "line 2: expected")],
)
def test_bad_cells(tmp_path, cell, match):
    table = rows()
    table[0][2] = cell
    with pytest.raises(InputError, match=match):
        table_of(write_table(tmp_path / "t.csv", table)).load()


@pytest.mark.parametrize(
    ("given", "match"),
    [
        ({}, "expected files of sequences"),
        ({"train": ["a.csv"], "tracks": TrackSettings(files=["a"], genome="b")}, "expected one source of windows"),
        ({"labels": ["a"], "names": "b"}, "got both"),
        ({"pos_weight": "some"}, "pos_weight"),
        ({"window": 0}, r"data\.window"),
    ],
)
def test_bad_settings(given, match):
    with pytest.raises(InputError, match=match):
        ChromatinTask(ChromatinSettings(**given)).load()


def random_batch(n=12, k=4):
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(n, k, generator=generator, dtype=torch.float64)
    labels = torch.randint(-1, 2, (n, k), generator=generator).to(torch.int8)
    return logits, labels


def test_missing_labels_teach_nothing():
    task, (logits, labels) = ChromatinTask(ChromatinSettings()), random_batch()
    logits.requires_grad_()
    loss = task.loss(logits, labels)
    known = labels >= 0
    assert 0 < known.sum() < known.numel()
    assert loss.item() == pytest.approx(
        F.binary_cross_entropy(torch.sigmoid(logits[known]), (labels[known] == 1).double()).item()
    )
    (gradient,) = torch.autograd.grad(loss, logits)
    assert not gradient[~known].any()
    assert gradient[known].all()
    nothing = task.loss(logits, torch.full_like(labels, -1))
    assert nothing.item() == 0
    assert not torch.autograd.grad(nothing, logits)[0].any()
    right = task.right(logits.detach(), labels)
    expected = [
        np.mean([(x > 0) == y for x, y in zip(a, b, strict=True) if y >= 0] or [0])
        for a, b in zip(logits, labels, strict=True)
    ]
    np.testing.assert_allclose(right, expected)


def test_balanced_weights_are_counted_in_training_and_capped(tmp_path):
    table = rows()
    for i, row in enumerate(table):
        row[4] = int(i == 0 or i >= 60)
    path = write_table(tmp_path / "t.csv", table)
    task = table_of(path, pos_weight="balanced", most_weight=1.5)
    train = task.load().part("train")
    task.begin(train)
    labels = train.targets.gather(np.arange(len(train)))
    weights = np.clip((labels == 0).sum(0) / (labels == 1).sum(0), 1 / 1.5, 1.5)
    logits = torch.randn(len(train), 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    expected = F.binary_cross_entropy_with_logits(
        logits, torch.from_numpy(labels).double(), pos_weight=torch.from_numpy(weights.astype(np.float32)).double()
    )
    assert task.loss(logits, torch.from_numpy(labels)).item() == pytest.approx(expected.item())
    assert expected.item() != pytest.approx(table_of(path).loss(logits, torch.from_numpy(labels)).item())


COMMON = [
    "--task", "chromatin", "--training.threads", "1", "--training.progress", "false", "--training.precision", "32-true",
    "--training.epochs", "6", "--training.batch_size", "16", "--optimiser.lr", "0.02", "--training.test_tiles", "1",
    "--data.window", "60",
]  # fmt: skip


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("chromatin")
    table = rows(400)
    for i in range(0, 400, 9):
        table[i][2 + i % 3] = "NA"
    path = write_table(folder / "t.csv", table)
    options = ["--data.train", f'["{path}"]', "--model", "deepbind", "--runs", str(folder / "runs")]
    assert main(["train", *COMMON, *options]) == 0
    return folder / "runs" / "chromatin" / "deepbind" / "default"


def test_three_labels_are_learnt_and_scored(run):
    body = json.loads((run / "metrics.json").read_text())
    assert body["metrics"]["auroc"]["value"] > 0.75
    assert body["metrics"]["auroc"]["low"] < body["metrics"]["auroc"]["value"] < body["metrics"]["auroc"]["high"]
    stored = load_file(run / "predictions.safetensors")
    with (run / "predictions.csv").open(newline="") as file:
        table = list(csv.DictReader(file))
    assert stored["labels"].shape == stored["probabilities"].shape == (len(table), 3)
    for i, (name, row) in enumerate(zip("abc", body["features"], strict=True)):
        assert [{"": -1}.get(r[f"label_{name}"], r[f"label_{name}"]) for r in table] == [
            -1 if label < 0 else str(label) for label in stored["labels"][:, i]
        ]
        known = stored["labels"][:, i] >= 0
        truth, chance = stored["labels"][known, i], stored["probabilities"][known, i]
        np.testing.assert_allclose(chance, [float(r[f"p_{name}"]) for r in table if r[f"label_{name}"]], rtol=1e-6)
        assert row["auroc"] == pytest.approx(roc_auc_score(truth, chance))
        assert row["f1"] == pytest.approx(f1_score(truth, chance >= row["threshold"]))


def test_thresholds_come_from_validation_alone(run, tmp_path):
    decided = json.loads((run / "decided.json").read_text())["thresholds"]
    body = json.loads((run / "metrics.json").read_text())
    assert {row["name"]: row["threshold"] for row in body["features"]} == decided
    # Scored as a test, the validation examples give the very thresholds, and the test ones others.
    with (run / "split.csv").open(newline="") as file:
        split = {row["id"]: row["split"] for row in csv.DictReader(file)}
    assert {row["label"] for row in csv.DictReader((run / "split.csv").open(newline=""))} == {""}
    source = (run.parents[3] / "t.csv").read_text().splitlines()
    picked = [line for line in source[1:] if split.get(line.partition(",")[0]) == "val"]
    (tmp_path / "val.csv").write_text("\n".join([source[0], *picked]) + "\n")
    config = tmp_path / "val.yaml"
    config.write_text(f"task: chromatin\ndata: {{train: [{tmp_path / 'val.csv'}], window: 60}}\n")
    assert main(["evaluate", "--run", str(run), "--on", str(config), "--as", "val"]) == 0
    other = json.loads((run / "on" / "val" / "metrics.json").read_text())
    assert {row["name"]: row["threshold"] for row in other["features"]} == decided
    stored = load_file(run / "on" / "val" / "predictions.safetensors")
    for i, row in enumerate(other["features"]):
        known = stored["labels"][:, i] >= 0
        truth, chance = stored["labels"][known, i], stored["probabilities"][known, i]
        best = max(f1_score(truth, chance >= value) for value in chance)
        assert row["f1"] == pytest.approx(best, abs=0.02)  # of the last digit of a logit


def test_the_page_shows_groups_and_labels(run):
    page = (run / "report.html").read_text()
    assert "By group of labels" in page
    assert "Labels by AUROC" in page
    assert "thresholds chosen on validation" in page
    assert "Confusion" not in page
    assert "bases were predicted" not in page
    assert (run / "figures" / "features.png").is_file()


def test_evaluating_again_gives_the_same(run):
    names = ("predictions.csv", "predictions.safetensors", "decided.json")
    before = [(run / name).read_bytes() for name in names]
    assert main(["evaluate", "--run", str(run)]) == 0
    assert [(run / name).read_bytes() for name in names] == before


def test_prediction_gives_a_probability_of_each_label(run, tmp_path):
    (tmp_path / "in.fa").write_text("".join(f">{row[0]}\n{row[1]}\n" for row in rows(20)))
    assert (
        main(["predict", "--run", str(run), "--input", str(tmp_path / "in.fa"), "--out", str(tmp_path / "o.csv")]) == 0
    )
    with (tmp_path / "o.csv").open(newline="") as file:
        found = list(csv.DictReader(file))
    assert len(found) == 20
    sums = [sum(float(row[f"p_{name}"]) for name in "abc") for row in found]
    assert max(abs(total - 1) for total in sums) > 0.1


def test_explanations_are_of_one_logit(run):
    explainer = Explainer(load_run(run), AttributionSettings(target="b"))
    codes = np.stack([encode(row[1]) for row in rows(4)])
    with torch.no_grad():
        logits = explainer.loaded.module(torch.from_numpy(codes))
    np.testing.assert_allclose(explainer.score_codes(codes), logits[:, 1], rtol=1e-6)
    with pytest.raises(InputError, match="expected one of a, b, c"):
        Explainer(load_run(run), AttributionSettings())


def test_one_track_needs_bins_without_it(tmp_path):
    write_genome(tmp_path)
    (tmp_path / "one.bed").write_text("".join(f"chrT\t{low}\t{low + 300}\n" for low in range(1000, 29_000, 700)))
    given = {"files": [str(tmp_path / "one.bed")], "by": "file"}
    with pytest.raises(InputError, match=r"no label has both 0 and 1 among .*data\.tracks\.empty"):
        tracks_of(tmp_path, **given).load()
    assert len(tracks_of(tmp_path, empty=0.8, **given).load()) > 0


def test_baselines_and_verbs_of_classes(run, capsys):
    table = run.parents[3] / "t.csv"
    options = ["--data.train", f'["{table}"]', "--runs", str(run.parents[2])]
    assert main(["baselines", *COMMON, *options, "--only", "kmer_bag", "gc"]) == 0
    folder = run.parents[1] / "kmer_bag" / "default"
    body = json.loads((folder / "metrics.json").read_text())
    assert body["cost"]["parameters"] == 3 * (1364 + 1)
    assert body["metrics"]["auroc"]["value"] > 0.7
    assert json.loads((folder / "decided.json").read_text())["thresholds"].keys() == {"a", "b", "c"}
    before = (folder / "predictions.csv").read_bytes()
    assert main(["evaluate", "--run", str(folder)]) == 0
    assert (folder / "predictions.csv").read_bytes() == before
    capsys.readouterr()
    assert main(["baselines", *COMMON, *options, "--only", "hexamer"]) == 2
    assert "learns from records of two classes" in capsys.readouterr().err
    out = run.parents[3] / "compared"
    assert main(["compare", str(run), str(folder), "--out", str(out), "--resamples", "20"]) == 0
    capsys.readouterr()
    with (out / "compare.csv").open(newline="") as file:
        found = {row["model"]: row for row in csv.DictReader(file)}
    for one in (run, folder):
        told = json.loads((one / "metrics.json").read_text())
        for name in ("auroc", "auprc", "f1", "median_auroc", "micro_f1", "log_loss"):
            assert float(found[told["model"]][name]) == pytest.approx(told["metrics"][name]["value"], rel=1e-5)
    assert main(["ensemble", str(run), str(folder), "--out", str(out / "both")]) == 2
    assert "answers for each label; expected one that answers for each window" in capsys.readouterr().err
    assert not (out / "both").exists()


def test_training_from_deepseas_files(tmp_path):
    for name, n in (("train", 300), ("valid", 200), ("test", 200)):
        simulate_mat(tmp_path / f"{name}.mat", n, 100, 24, 2, name)
    given = ["--data.arrays.train", "train.mat", "--data.arrays.val", "valid.mat", "--data.arrays.test", "test.mat"]
    options = ["--data.root", str(tmp_path), "--model", "deepbind", "--runs", str(tmp_path / "runs")]
    assert main(["train", *COMMON, *given, *options, "--training.epochs", "1", "--training.order", "slices"]) == 0
    folder = tmp_path / "runs" / "chromatin" / "deepbind" / "default"
    body = json.loads((folder / "metrics.json").read_text())
    assert (body["n"], body["labels_in_all"]) == (200, 24)
    header = (folder / "predictions.csv").read_text().splitlines()[0]
    assert header.endswith("labels_known,labels_held,likeliest,p_likeliest")
    assert load_file(folder / "predictions.safetensors")["probabilities"].shape == (200, 24)


def test_the_tracks_of_chromosome_22(data_dir):
    tracks = TrackSettings(
        files=[str(data_dir / "tfbs/peaks_chr22_GRCh37/encode_dream_conservative.22_20-21M.narrowPeak.gz")],
        genome=str(data_dir / "exon_start/human_chr22_20-21M_GRCh37.fa.gz"),
    )
    split = SplitSettings(test_fraction=0.3, val_fraction=0.2)
    task = ChromatinTask(
        ChromatinSettings(tracks=tracks, labels=["*[!3]", "*S3"], names_are="factor_cell", split=split)
    )
    examples = task.load()
    assert len(task.classes) == 104
    assert examples.counts["bins"] == 5000
    assert {feature.group for feature in task.features} == {"TF"}
    assert {feature.factor for feature in task.features if feature.cell == "HeLa-S3"} >= {"CTCF", "MAX"}
    assert examples.targets.gather(np.arange(len(examples))).any(axis=1).all()
