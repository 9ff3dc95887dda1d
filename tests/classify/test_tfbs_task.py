"""The task from file to examples: splits that nothing crosses, official tests left whole, and real sets end to end."""

import csv
import dataclasses
import json
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from classify.config import parse_run
from classify.examples import Examples
from classify.labelled.formats import Columns
from classify.labelled.grouping import strandless_digest
from classify.peaks.settings import PeakSettings
from classify.splits import SplitSettings
from classify.tasks.tfbs import TfbsSettings, TfbsTask
from specgen.errors import InputError, UnknownName
from specgen.sequences import decode, encode, reverse_complement

CONFIGS = Path(__file__).resolve().parents[2] / "configs" / "tfbs"
WIDTH = 30


def texts(count, seed, length=WIDTH):
    rng = np.random.default_rng(seed)
    return ["".join(rng.choice(list("ACGT"), length)) for _ in range(count)]


def turned(text):
    return decode(reverse_complement(encode(text)))


def table(path, rows):
    path.write_text("sequence,label\n" + "".join(f"{text},{label}\n" for text, label in rows))
    return path.name


def load(folder, **change):
    return TfbsTask(TfbsSettings(**{"root": str(folder), "window": WIDTH, **change})).load()


def letters(examples):
    return [decode(codes) for codes in examples.sequences]


def crossing(examples):
    """Sequences, on either strand, and groups that lie in two splits."""
    sides = {}
    for codes, group, split in zip(examples.sequences, examples.groups, examples.split, strict=True):
        sides.setdefault(strandless_digest(codes), set()).add(split)
        sides.setdefault(group, set()).add(split)
    return [key for key, found in sides.items() if len(found) > 1]


@pytest.fixture
def official(tmp_path):
    """Train, dev and test tables that share sequences in every way."""
    a, b, c = texts(60, 1), texts(12, 2), texts(12, 3)
    own = [(t, i % 2) for i, t in enumerate(a)]
    test = [(t, i % 2) for i, t in enumerate(b)]
    dev = [(t, i % 2) for i, t in enumerate(c)]
    test.append(test[1])  # twice in the test
    dev += [(b[3], 1), (turned(b[4]), 0)]  # in the test, as it is and from the other strand
    own += [own[0], (turned(a[1]), 1)]  # copies of one label
    own += [(a[2], 1)]  # and of two
    own += [(b[5], 1), (turned(c[6]), 0)]  # in test and dev
    own += [("ACGTACGTA" + b[0][:21], 0)]  # shares 21 nt with a test sequence
    return {
        "train": [table(tmp_path / "train.csv", own)],
        "val": [table(tmp_path / "dev.csv", dev)],
        "test": [table(tmp_path / "test.csv", test)],
    }, tmp_path, test  # fmt: skip


class TestOfficialSplits:
    def test_the_test_is_what_its_file_holds(self, official):
        files, folder, test = official
        examples = load(folder, **files, shared=20)
        part = examples.part("test")
        assert sorted(zip(letters(part), part.labels.tolist(), strict=True)) == sorted(test)
        assert examples.counts["duplicates_within_the_test_kept"] == 1

    def test_what_is_known_elsewhere_goes_from_training(self, official):
        files, folder, _ = official
        examples = load(folder, **files, shared=20)
        assert not crossing(examples)
        # Of 66: a[0] and a[1] again, all copies of a[2], one of the test, one of dev.
        assert len(examples.part("train")) == 66 - 2 - 2 - 2
        assert len(examples.part("val")) == 12
        assert examples.counts["same_or_overlapping_in_a_later_split_dropped"] == 4
        assert examples.counts["duplicates_dropped"] == 2
        assert examples.counts["contradictory_duplicates_dropped"] == 2
        assert examples.counts["test_sharing_20_nt_with_training"] == 1
        assert load(folder, **files).counts["test_sharing_50_nt_with_training"] == 0
        assert "test_sharing_0_nt_with_training" not in load(folder, **files, shared=0).counts

    def test_validation_is_drawn_where_it_is_missing(self, official):
        files, folder, test = official
        examples = load(folder, train=files["train"], test=files["test"], split=SplitSettings(val_fraction=0.3))
        assert len(examples.part("test")) == len(test)
        assert 8 <= len(examples.part("val")) <= 30
        assert not crossing(examples)

    def test_a_test_is_drawn_where_it_is_missing(self, official):
        files, folder, _ = official
        examples = load(folder, train=files["train"], val=files["val"])
        assert len(examples.part("test")) >= 3
        assert set(letters(examples.part("val"))) <= {row.split(",")[0] for row in (folder / "dev.csv").open()}
        assert not crossing(examples)

    def test_everything_can_be_test(self, official):
        files, folder, _ = official
        examples = load(folder, test=files["test"], split=SplitSettings().all_test())
        assert set(examples.split) == {"test"}


class TestPositivesAlone:
    def seq(self, folder, count=80):
        rows = "".join(f"A\tseq_{i}\t{text}\t1\n" for i, text in enumerate(texts(count, 5)))
        (folder / "train.seq").write_text("FoldID\tEventID\tseq\tBound\n" + rows)
        rows = "".join(f"B\tseq_{i}\t{text}\t{i % 2}\n" for i, text in enumerate(texts(10, 6)))
        (folder / "test.seq").write_text("FoldID\tEventID\tseq\tBound\n" + rows)
        return {"train": ["train.seq"], "test": ["test.seq"]}

    def test_a_positive_and_its_shuffle_stay_together(self, tmp_path):
        examples = load(tmp_path, **self.seq(tmp_path))
        for split in ("train", "val"):
            part = examples.part(split)
            assert part.per_class()["unbound"] == part.per_class()["bound"] > 0
            groups = [{g for g, y in zip(part.groups, part.labels, strict=True) if y == k} for k in (0, 1)]
            assert groups[0] == groups[1]
        assert len(examples.part("test")) == 10
        assert examples.counts["negatives_made"] == 80
        assert not crossing(examples)

    def test_several_and_some(self, tmp_path):
        files = self.seq(tmp_path)
        examples = load(tmp_path, **files, per_positive=3, most=40)
        fit = examples.take(examples.split != "test")
        assert fit.per_class() == {"unbound": 120, "bound": 40}
        assert examples.counts["left_out_by_data_most"] == 40

    def test_without_negatives_it_says_what_is_missing(self, tmp_path):
        with pytest.raises(InputError, match=r"no train examples of unbound \(unbound 0, bound \d+\)"):
            load(tmp_path, **self.seq(tmp_path), negatives=[])
        with pytest.raises(InputError, match="gc ones are cut from a genome"):
            load(tmp_path, **self.seq(tmp_path), negatives=["gc"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({}, r"expected files of sequences \(data\.train\) or peaks over a genome"),
        ({"window": 0}, r"data\.window: expected 1 or more, got 0"),
        ({"short": "keep"}, r"data\.short 'keep'; known: drop, pad"),
        ({"negatives": ["suffled"]}, r"kind of negative 'suffled'; did you mean 'shuffled'"),
        ({"negatives": ["gc", "gc"]}, "names a kind twice"),
        ({"test": ["a.csv"]}, r"data\.train: expected files to train on"),
        ({"train_negatives": ["a.fa"]}, r"data\.train_negatives is given but not data\.train"),
        ({"train": ["a"], "peaks": PeakSettings(files=["a"], genome="b")}, "or peaks, got both"),
        ({"peaks": PeakSettings(files=["a"], genome="b"), "split": SplitSettings("record")}, "not by record"),
        ({"train": ["none.csv"]}, r"none\.csv: no such file"),
    ],
)
def test_what_cannot_be(tmp_path, change, message):
    with pytest.raises(InputError, match=message) as caught:
        load(tmp_path, **change)
    assert "\n" not in str(caught.value)


def test_columns_can_be_named(tmp_path):
    rows = "".join(f"{i % 2};{t}\n".replace(";", "\t") for i, t in enumerate(texts(60, 1)))
    (tmp_path / "a.tsv").write_text("y\tdna\n" + rows)
    assert len(load(tmp_path, train=["a.tsv"], columns=Columns("dna", "y"))) == 60
    with pytest.raises(InputError, match=r"a\.tsv: has no column 'sequence'; its columns are y, dna"):
        load(tmp_path, train=["a.tsv"])


def shipped(*names):
    files = [part for name in ("base", *names) for part in ("--config", str(CONFIGS / f"{name}.yaml"))]
    return parse_run(files, "train", "")[0].data


def real(data_dir, monkeypatch, *names) -> Examples:
    monkeypatch.setenv("SPECGEN_DATA", str(data_dir))
    if not (data_dir / "tfbs").is_dir():
        pytest.skip("no tfbs data")
    return TfbsTask(shipped(*names)).load()


@pytest.mark.data
class TestRealSets:
    def test_deepbind(self, data_dir, monkeypatch):
        examples = real(data_dir, monkeypatch, "sets/deepbind", "factors/MYC_H1-hESC")
        assert examples.part("test").per_class() == {"unbound": 500, "bound": 500}
        assert examples.take(examples.split != "test").per_class() == {"unbound": 4051, "bound": 4051}
        assert not crossing(examples)
        # Test negatives are shuffles: as pairs of letters, they are those of positives.
        test = examples.part("test")
        pairs = {0: [], 1: []}
        for text, label in zip(letters(test), test.labels.tolist(), strict=True):
            pairs[label].append(Counter(pairwise(text)))
        assert all(counts in pairs[1] for counts in pairs[0])

    def test_gue(self, data_dir, monkeypatch):
        examples = real(data_dir, monkeypatch, "sets/tf4")
        assert examples.part("test").per_class() == {"unbound": 500, "bound": 500}
        assert not crossing(examples)
        assert examples.counts["duplicates_dropped"] > 3000
        assert 20 <= examples.counts["test_sharing_50_nt_with_training"] <= 50  # 2.6 to 4 %

    def test_nfe2(self, data_dir, monkeypatch):
        examples = real(data_dir, monkeypatch, "sets/nfe2")
        assert len(examples.part("test")) == 138
        assert examples.counts["records_read"] == 1426
        assert examples.counts["shorter_padded"] + examples.counts["longer_cut_to_their_middle"] > 1000
        assert examples.lengths.min() == 59
        assert examples.lengths.max() == 247

    def test_ctcf_names_are_places_and_nothing_else(self, data_dir, monkeypatch):
        examples = real(data_dir, monkeypatch, "sets/ctcf_shuffled")
        assert set(examples.part("test").chromosomes) == {"1", "8", "21"}
        assert not set(examples.part("train").chromosomes) & {"1", "8", "21"}
        assert not crossing(examples)

    @pytest.mark.parametrize("factor", ["CTCF", "MAX", "CEBPB"])
    def test_peaks(self, data_dir, monkeypatch, factor):
        from specgen.records import read_records

        examples = real(data_dir, monkeypatch, "sets/peaks", f"factors/peaks_{factor}")
        (contig,) = read_records(data_dir / "exon_start" / "human_chr22_20-21M_GRCh37.fa.gz")
        for name, codes in zip(examples.ids, examples.sequences, strict=True):
            low, high = map(int, name.split(":")[1].split("-"))
            assert (contig.codes[low - 1 : high] == codes).all()
        assert examples.counts["peaks_read"] == 1800
        assert not crossing(examples)
        sizes = {split: examples.part(split).per_class() for split in ("train", "val", "test")}
        assert all(size["unbound"] >= 2.8 * size["bound"] >= 2.8 * 15 for size in sizes.values()), sizes

    def test_an_unknown_factor_is_told_with_the_nearest(self, data_dir, monkeypatch):
        monkeypatch.setenv("SPECGEN_DATA", str(data_dir))
        settings = shipped("sets/peaks")
        peaks = dataclasses.replace(settings.peaks, names=["CTCF_GM12878"])
        with pytest.raises(UnknownName, match=r"'CTCF_GM12878'; did you mean .*'CTCF_GM12878_macs3'"):
            TfbsTask(dataclasses.replace(settings, peaks=peaks)).load()


def test_a_whole_run_from_files(tmp_path, capsys):
    from classify.__main__ import main

    def planted(count, seed):
        rng = np.random.default_rng(seed)
        for i, text in enumerate(texts(count, seed)):
            at = int(rng.integers(0, WIDTH - 8))
            yield (text[:at] + "TGACGTCA" + text[at + 8 :] if i % 2 else text), i % 2

    train, test = table(tmp_path / "train.csv", planted(300, 1)), table(tmp_path / "test.csv", planted(60, 2))
    config = tmp_path / "data.yaml"
    config.write_text(
        f"task: tfbs\ndata: {{root: {tmp_path}, train: [{train}], test: [{test}], window: {WIDTH}, shared: 20}}\n"
    )
    common = ["--config", str(CONFIGS / "base.yaml"), "--config", str(config), "--runs", str(tmp_path / "runs")]
    model = ["--model", "dilated_cnn", "--model_options", '{"width": 8, "blocks": 2}', "--training.threads", "1"]
    assert main(["train", *common, *model, "--training.progress", "false", "--training.epochs", "2"]) == 0
    said = capsys.readouterr().out
    assert "records read: 360" in said
    assert "train " in said
    assert main(["baselines", *common, "--training.epochs", "1", "--only", "kmer6_rc", "gkm8"]) == 0
    for name in ("dilated_cnn", "kmer6_rc", "gkm8"):
        run = tmp_path / "runs" / "tfbs" / name / "default"
        body = json.loads((run / "metrics.json").read_text())
        assert body["n"] == 60
        with (run / "predictions.csv").open() as file:
            assert {row["label"] for row in csv.DictReader(file)} == {"unbound", "bound"}
        if name != "dilated_cnn":
            assert body["metrics"]["auroc"]["value"] > 0.9, name
