"""Scans: every position against the rule written out, seams, both strands, tracks read back, quality by hand, going on."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score
from torch import nn

from classify.chromatin.settings import ArraySettings
from classify.commands.scan import _doubts
from classify.evaluation import Loaded
from classify.hardware import choose
from classify.peaks.places import Intervals
from classify.peaks.settings import PeakSettings
from classify.scanning import parts as parts_module
from classify.scanning import scan as scan_module
from classify.scanning import values as values_module
from classify.scanning.figures import precision_recall
from classify.scanning.parts import Contig, Part, contigs_of, parts, scan_blocks, wanted_of
from classify.scanning.peaks import Calls, call_quality, local_peaks, runs
from classify.scanning.seen import seen_in_training
from classify.scanning.settings import STRANDS, ScanSettings
from classify.scanning.tracks import write_bed, write_bedgraph, write_bigwig
from classify.scanning.values import Windows, outputs_of
from classify.settings import TrainingSettings
from classify.tasks import TASKS
from specgen.errors import InputError
from specgen.sequences import decode, encode, reverse_complement

VALUES = st.lists(st.sampled_from([-1.0, 0.0, 0.2, 0.25, 0.5, 0.9]), max_size=40).map(lambda v: np.array(v, np.float32))


class TestPeaks:
    @given(VALUES, st.integers(0, 6), st.sampled_from([0.1, 0.25]))
    def test_against_the_rule_written_out(self, values, apart, least):
        expected = [
            i
            for i, v in enumerate(values)
            if v >= least
            and all(v > w for w in values[max(0, i - apart) : i])
            and all(v >= w for w in values[i + 1 : i + 1 + apart])
        ]
        assert local_peaks(values, apart, np.float32(least)).tolist() == expected

    @given(VALUES, st.integers(0, 4), st.integers(0, 40))
    def test_overlapping_pieces_give_the_peaks_of_the_whole(self, values, apart, cut):
        cut = min(cut, len(values))
        whole = local_peaks(values, apart, 0.1).tolist()
        left = [i for i in local_peaks(values[: cut + apart], apart, 0.1).tolist() if i < cut]
        low = max(0, cut - apart)
        right = [i + low for i in local_peaks(values[low:], apart, 0.1).tolist() if i + low >= cut]
        assert left + right == whole

    @given(VALUES, st.sampled_from([0.0, 0.2, 0.3]))
    def test_runs_tell_every_value_once(self, values, least):
        told = np.full(len(values), np.nan)
        for low, high, value in zip(*runs(values, least), strict=True):
            assert np.isnan(told[low:high]).all()
            told[low:high] = value
        shown = (values >= 0) & (values >= np.float32(least))
        assert np.allclose(told[shown], values[shown])
        assert np.isnan(told[~shown]).all()


def calls(positions, values=None, strand=1, contig=0):
    n = len(positions)
    heights = np.zeros(n) if values is None else np.array(values, dtype=np.float64)
    return Calls(np.full(n, contig), np.array(positions, dtype=np.int64), np.full(n, strand), heights)


class TestQuality:
    def test_by_hand(self):
        # Ranked: 10 (hit), 20, 30 (hit), 40; the site at 99 is not among the peaks.
        found = call_quality(calls([10, 20, 30, 40], [0.9, 0.8, 0.6, 0.2]), calls([10, 30, 99]), 0.5, 1000)
        assert found["average_precision"]["value"] == pytest.approx((1 / 1 + 2 / 3) / 3)
        assert found["precision"]["value"] == pytest.approx(2 / 3)
        assert found["recall"]["value"] == pytest.approx(2 / 3)
        assert found["f1"]["value"] == pytest.approx(2 / 3)
        assert found["top_k"]["value"] == pytest.approx(2 / 3)
        assert (found["n_true"], found["n_peaks"], found["prevalence"]) == (3, 3, 0.003)
        assert np.isnan([found["precision"]["low"], found["recall"]["high"]]).all()  # one stretch tells no interval

    def test_the_other_strand_and_the_next_base_are_misses(self):
        sites = calls([10, 30])
        assert call_quality(calls([10, 31], [0.9, 0.9], strand=-1), sites, 0.5, 100)["recall"]["value"] == 0
        assert call_quality(calls([11, 30], [0.9, 0.9]), sites, 0.5, 100)["recall"]["value"] == 0.5

    def test_against_scikit_learn_where_every_site_is_a_peak(self):
        rng = np.random.default_rng(0)
        truth, score = rng.random(300) < 0.2, rng.random(300)
        places = np.arange(300) * 5_000
        found = call_quality(calls(places, score), calls(places[truth]), 0.5, 10**6)
        expected = average_precision_score(truth, score)
        assert found["average_precision"]["value"] == pytest.approx(expected)
        assert found["average_precision"]["low"] < expected < found["average_precision"]["high"]

    def test_no_peaks_at_all(self):
        found = call_quality(calls([]), calls([5, 900_000]), 0.5, 100)
        assert found["average_precision"]["value"] == found["recall"]["value"] == 0


class Middle(nn.Module):
    """Logits (n, 2) of codes (n, 5): the letters around the middle as a number, so that every window has its own."""

    device = "cpu"

    def forward(self, codes):
        weights = torch.tensor([0.013, 0.07, 0.31, 0.05, 0.017])
        score = (codes.float() * weights).sum(1) - 2.5
        return torch.stack([-score / 2, score / 2], dim=1)

    def scored(self, codes):
        return self(codes)


def softmax(logits):
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True)


def toy(window=5, blanks=5, shift=0):
    task = SimpleNamespace(
        window=window,
        classes=("no", "yes"),
        barcoded=np.array([1]),
        probabilities=softmax,
        blanks=blanks,
        settings=SimpleNamespace(),
        answers="window",
    )
    settings = SimpleNamespace(
        seed=0, training=SimpleNamespace(both_strands=False), augment=SimpleNamespace(shift=shift)
    )
    return Loaded(settings, task, Middle(), choose(TrainingSettings(threads=1)), 64)


def scored(loaded=None, **settings):
    return Windows(loaded or toy(), ScanSettings(**{"strands": "both", **settings}), (1,))


TEXTS = {"chrA": "ACGTTGCAGGATCCNAGTACGATCGGATTACAGTTTGCA", "chr B": "GGCAT"}


@pytest.fixture
def genome(tmp_path):
    path = tmp_path / "genome.fa"
    path.write_text(f">chrA\n{TEXTS['chrA']}\n>other\nACGTACGT\n>B\n{TEXTS['chr B']}\n")
    return str(path)


def by_hand(text, strand, behind="", unclear=0.1, blanks=5):
    """Probability of each position of a contig, one window at a time; -1 where it is not scored, -2 for its blanks alone."""
    codes = encode(text)
    told = []
    for place in range(len(codes)):
        window = np.zeros(5, dtype=np.uint8)
        for i in range(5):
            if 0 <= place - 2 + i < len(codes):
                window[i] = codes[place - 2 + i]
        window = window if strand > 0 else reverse_complement(window).copy()
        ambiguous = sum(letter not in "=ACGT" for letter in decode(window))
        if ambiguous > unclear * 5 or (behind and decode(window[2 - len(behind) : 2]) != behind):
            told.append(-1.0)
            continue
        if ambiguous + max(0, decode(window).count("=") - blanks) > unclear * 5:
            told.append(-2.0)
            continue
        told.append(float(softmax(Middle()(torch.from_numpy(window[None])).numpy().astype(np.float64))[0, 1]))
    return np.array(told, dtype=np.float32)


class TestBlocks:
    @pytest.mark.parametrize("unclear", [0.1, 0.2])
    @pytest.mark.parametrize("behind", ["", "AG"])
    @pytest.mark.parametrize(("block", "at_once"), [(1 << 20, 8192), (7, 3)])
    def test_every_position_on_both_strands_without_seams(
        self, genome, tmp_path, monkeypatch, block, at_once, behind, unclear
    ):
        monkeypatch.setattr(parts_module, "BLOCK", block)
        monkeypatch.setattr(values_module, "AT_ONCE", at_once)
        asked = scored(floor=0.0, apart=3, behind=behind, max_ambiguous=unclear)
        contigs = contigs_of(genome)
        assert contigs == [Contig(0, "chrA", 39), Contig(1, "other", 8), Contig(2, "B", 5)]
        scan_blocks(asked, genome, contigs, None, tmp_path / "parts", {}, progress=False)
        for strand in (1, -1):
            expected = by_hand(TEXTS["chrA"], strand, behind, unclear)
            found, n_scored = np.full(39, -1.0), 0
            places = []
            for part in parts(tmp_path / "parts", contigs, 1, strand, 1):
                if part.contig.number == 0:
                    for low, high, value in zip(part.starts, part.ends, part.values, strict=True):
                        found[low:high] = value
                    places += part.peaks.tolist()
                    assert np.allclose(part.heights, expected[part.peaks], atol=1e-6)
                    n_scored += part.scored
            assert np.allclose(found, expected, atol=6e-4)
            assert n_scored == (expected >= 0).sum()
            directed = local_peaks(expected[::strand], 3, 1e-3)
            assert places == sorted(directed.tolist() if strand > 0 else (38 - directed).tolist())

    @pytest.mark.parametrize("step", [2, 5, 50])
    @pytest.mark.parametrize(("block", "at_once"), [(1 << 20, 8192), (7, 3)])
    @pytest.mark.parametrize("strands", ["both", "mean"])
    def test_steps_have_the_probability_of_their_middles(
        self, genome, tmp_path, monkeypatch, block, at_once, step, strands
    ):
        monkeypatch.setattr(parts_module, "BLOCK", block)
        monkeypatch.setattr(values_module, "AT_ONCE", at_once)
        asked = scored(floor=0.0, apart=4, step=step, strands=strands)
        contigs = contigs_of(genome)[:1]
        scan_blocks(asked, genome, contigs, None, tmp_path / "parts", {}, progress=False)
        one = {strand: by_hand(TEXTS["chrA"], strand) for strand in (1, -1)}
        one[0] = np.where((one[1] >= 0) & (one[-1] >= 0), (one[1] + one[-1]) / 2, -1)
        for strand in STRANDS[strands]:
            steps = np.array([one[strand][i] for i in range(step // 2, 39, step)])
            # The middle of the last step may lie behind the contig.
            steps = np.append(steps, -1.0) if len(steps) * step < 39 else steps
            expected, found, places = np.repeat(steps, step)[:39], np.full(39, -1.0), []
            for part in parts(tmp_path / "parts", contigs, step, strand, 1):
                assert (part.ends <= 39).all()
                for low, high, value in zip(part.starts, part.ends, part.values, strict=True):
                    found[low:high] = value
                places += part.peaks.tolist()
            assert np.allclose(found, expected, atol=6e-4)
            directed = local_peaks(steps[:: strand or 1].astype(np.float32), -(-4 // step), 1e-3)
            assert places == sorted(step * (directed if strand >= 0 else len(steps) - 1 - directed))

    @pytest.mark.parametrize("behind", ["", "AG"])
    @pytest.mark.parametrize(("blanks", "shift", "unclear"), [(0, 0, 0.1), (0, 0, 0.3), (0, 1, 0.0), (1, 0, 0.1)])
    @pytest.mark.parametrize("block", [1 << 20, 7])
    def test_blanks_that_training_windows_lack_count_as_unclear(
        self, genome, tmp_path, monkeypatch, block, blanks, shift, unclear, behind
    ):
        monkeypatch.setattr(parts_module, "BLOCK", block)
        asked = scored(toy(blanks=blanks, shift=shift), floor=0.0, behind=behind, max_ambiguous=unclear)
        contigs, of = contigs_of(genome), {"chrA": TEXTS["chrA"], "other": "ACGTACGT", "B": TEXTS["chr B"].strip()}
        scan_blocks(asked, genome, contigs, None, tmp_path / "parts", {}, progress=False)
        left_out = 0
        for strand in (1, -1):
            found = {name: np.full(len(text), -1.0) for name, text in of.items()}
            counted = dict.fromkeys(of, 0)
            for part in parts(tmp_path / "parts", contigs, 1, strand, 1):
                for low, high, value in zip(part.starts, part.ends, part.values, strict=True):
                    found[part.contig.name][low:high] = value
                counted[part.contig.name] += part.blank
            for name, text in of.items():
                expected = by_hand(text, strand, behind, unclear, blanks + shift)
                assert np.allclose(found[name], np.maximum(expected, -1), atol=6e-4)
                assert counted[name] == (expected == -2).sum()
                left_out += counted[name]
        assert left_out > 0 or behind

    def test_the_mean_of_strands_lacks_what_either_lacks_for_blanks(self):
        values = scored(toy(blanks=0), strands="mean").values(encode("ACGTACGTNA"), 0, 10, None, 0, lambda n: None)
        one = {strand: by_hand("ACGTACGTNA", strand, blanks=0) for strand in (1, -1)}
        assert values[0].tolist() == pytest.approx(
            [(p + m) / 2 if min(p, m) >= 0 else min(p, m) for p, m in zip(one[1], one[-1], strict=True)], abs=1e-6
        )
        assert sorted(set(values[0][values[0] < 0].tolist())) == [-2, -1]

    def test_regions_alone_are_scored(self, genome, tmp_path):
        contigs = wanted_of(contigs_of(genome), ["B", "chrA"], genome)
        inside = Intervals(np.array([3, 20]), np.array([9, 31]))
        scan_blocks(scored(floor=0.0), genome, contigs, {"chrA": inside}, tmp_path / "parts", {}, progress=False)
        both = list(parts(tmp_path / "parts", contigs, 1, 1, 1))
        told = [
            place
            for part in both
            for low, high in zip(part.starts, part.ends, strict=True)
            for place in range(low, high)
        ]
        expected = by_hand(TEXTS["chrA"], 1)
        assert told == [place for place in (*range(3, 9), *range(20, 31)) if expected[place] >= 0]
        assert [part.scored for part in both] == [len(told), 0]

    def test_a_network_that_averages_strands_goes_through_the_letters_once(self):
        asked = scored(strands="mean")
        assert asked.passes == 2
        asked.loaded.settings.training.both_strands = True
        assert asked.passes == 1
        values = asked.values(encode(TEXTS["chrA"]), 0, 39, None, 0, lambda n: None)
        assert np.allclose(values[0], by_hand(TEXTS["chrA"], 1), atol=1e-6)

    def test_a_stopped_scan_goes_on_and_another_is_refused(self, genome, tmp_path, monkeypatch):
        monkeypatch.setattr(parts_module, "BLOCK", 10)
        contigs, folder = contigs_of(genome)[:1], tmp_path / "parts"
        scan_blocks(scored(), genome, contigs, None, folder, {"model": 1}, progress=False)
        before = {path.name: path.read_bytes() for path in folder.iterdir()}
        (folder / "0_20.npz").unlink()
        assert scan_blocks(scored(), genome, contigs, None, folder, {"model": 1}, progress=False) == 3
        assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
        with pytest.raises(InputError, match="blocks of another model"):
            scan_blocks(scored(), genome, contigs, None, folder, {"model": 2}, progress=False)

    def test_a_stopped_scan_says_what_is_kept(self, genome, tmp_path, monkeypatch):
        def stopped(*args, **kwargs):
            raise KeyboardInterrupt

        folder = tmp_path / "out.part"
        folder.mkdir()
        (folder / "0_0.npz").touch()
        loaded = toy()
        monkeypatch.setattr(scan_module, "load_reader", lambda run, **_: loaded)
        monkeypatch.setattr(scan_module, "scan_blocks", stopped)
        monkeypatch.setattr(scan_module, "_pins", lambda *args: {})
        with pytest.raises(KeyboardInterrupt, match=r"the same command goes on \(.* in .*out\.part: 1\)"):
            scan_module.scan(tmp_path, str(genome), str(tmp_path / "out"), ScanSettings())

    def test_a_contig_that_is_not_there(self, genome):
        with pytest.raises(InputError, match=r"genome\.fa: has no contig 'chr1'; it has chrA, other, B"):
            wanted_of(contigs_of(genome), ["chr1"], genome)


def test_letters_behind_which_is_looked_fit_before_the_middle(tmp_path):
    for letters in ("A", "AG"):
        assert Windows.of(toy(), ScanSettings(behind=letters), tmp_path).settings.behind == letters
    with pytest.raises(
        InputError, match=r"behind: expected at most the 2 nt that the windows of .* have before their middle, got 3"
    ):
        Windows.of(toy(), ScanSettings(behind="AGG"), tmp_path)


@pytest.mark.parametrize(
    ("task", "data", "expected"),
    [
        ("coding", {"length": 300}, 0),
        ("motifs", {}, 0),
        ("exon_start", {"prepared": ["x.h5"], "window": 201}, 201),
        ("tfbs", {"train": ["x.csv"], "window": 51}, 51),
        ("tfbs", {"train": ["x.csv"], "short": "drop"}, 0),
        ("tfbs", {"peaks": PeakSettings(files=["x.bed"], genome="g.fa")}, 0),
        ("chromatin", {"train": ["x.csv"], "window": 200}, 200),
        ("chromatin", {"arrays": ArraySettings("x.mat", "y.mat", "z.mat")}, 0),
    ],
)
def test_how_many_blanks_the_training_windows_of_a_task_hold(task, data, expected):
    assert TASKS[task](TASKS[task].Settings(**data)).blanks == expected


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"strands": "x"}, "known: \\+, -, both, mean"),
        ({"step": 0}, "step: expected 1 to 10000"),
        ({"step": 2, "behind": "AG"}, "behind: such letters"),
        ({"strands": "mean", "behind": "AG"}, "behind: such letters"),
        ({"threshold": 0.01}, "floor <= threshold"),
        ({"apart": -1}, "apart"),
        ({"behind": "A!"}, "behind"),
    ],
)
def test_settings_that_make_no_sense(change, message):
    with pytest.raises(InputError, match=message):
        ScanSettings(**change)


class TestTracks:
    def part(self, strand=1):
        return Part(
            Contig(0, "chrA", 100), strand, np.array([3, 9]), np.array([5, 10]), np.array([0.25, 0.875], np.float32),
            np.array([4, 9]), np.array([0.25, 0.8754], np.float32), 50, 1.1254, 0,
        )  # fmt: skip

    def test_bedgraph_and_bigwig_say_the_same(self, tmp_path):
        big = pytest.importorskip("pyBigWig")
        write_bedgraph(tmp_path / "a.bedGraph", [self.part()])
        assert (tmp_path / "a.bedGraph").read_text() == "chrA\t3\t5\t0.250\nchrA\t9\t10\t0.875\n"
        write_bigwig(tmp_path / "a.bw", [Contig(0, "chrA", 100), Contig(1, "B", 7)], [self.part()])
        with big.open(str(tmp_path / "a.bw")) as track:
            assert track.chroms() == {"chrA": 100, "B": 7}
            assert track.intervals("chrA") == ((3, 5, 0.25), (9, 10, 0.875))

    def test_a_border_between_blocks_divides_no_run(self, tmp_path):
        """Blocks of 10: a run over three of them, a change of value at a border, a gap, the next contig."""

        def block(starts, ends, values, contig=0):
            none = np.zeros(0, dtype=np.int64)
            columns = np.array(starts), np.array(ends), np.array(values, np.float32)
            return Part(Contig(contig, f"c{contig}", 50), 1, *columns, none, none.astype(np.float32), 10, 1.0, 0)

        blocks = [
            block([2, 5], [5, 10], [0.5, 0.25]), block([10], [20], [0.25]), block([20, 22], [22, 30], [0.25, 0.75]),
            block([30], [40], [0.5]), block([41], [50], [0.5]), block([0], [10], [0.5], contig=1),
        ]  # fmt: skip
        write_bedgraph(tmp_path / "a.bedGraph", blocks)
        told = [line.split("\t") for line in (tmp_path / "a.bedGraph").read_text().splitlines()]
        assert [(name, int(low), int(high), float(value)) for name, low, high, value in told] == [
            ("c0", 2, 5, 0.5), ("c0", 5, 22, 0.25), ("c0", 22, 30, 0.75), ("c0", 30, 40, 0.5), ("c0", 41, 50, 0.5),
            ("c1", 0, 10, 0.5),
        ]  # fmt: skip

    def test_calls_of_both_strands_in_order(self, tmp_path):
        assert write_bed(tmp_path / "a.bed", [[self.part()], [self.part(-1)]], 0.5) == 2
        assert (tmp_path / "a.bed").read_text() == "chrA\t9\t10\tcall_1\t875\t+\nchrA\t9\t10\tcall_2\t875\t-\n"


def exon(gene, strand, low, high):
    return f'chrA\tx\texon\t{low}\t{high}\t.\t{strand}\t.\tgene_id "{gene}"; transcript_id "{gene}.1";\n'


def peaks_by_hand(apart, least):
    """(place, strand) of what has to be called on chrA."""
    found = set()
    for strand, sign in ((1, "+"), (-1, "-")):
        directed = local_peaks(by_hand(TEXTS["chrA"], strand)[::strand], apart, least)
        found |= {(int(i if strand > 0 else 38 - i), sign) for i in directed}
    return found


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.setattr(scan_module, "load_reader", lambda run, **_: toy())
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(b"weights")
    (folder / "config.yaml").write_text("task: x\n")
    (folder / "split.csv").write_text("id,group,chromosome,label,split\nr,g,A,x,train\n")
    return folder


def test_a_whole_scan(run, genome, tmp_path):
    """Exons begin at a call of each strand and kind, and where none is: first bases on plus, last on minus."""
    called = peaks_by_hand(2, 0.5)
    plus, minus = (sorted(place for place, sign in called if sign == strand) for strand in "+-")
    assert len(plus) >= 2
    assert minus
    miss = next(place for place in range(plus[-1] + 1, 38) if (place, "+") not in called)
    (tmp_path / "a.gtf").write_text(
        exon("g1", "+", plus[0] + 1, plus[0] + 1)  # first
        + exon("g1", "+", plus[-1] + 1, plus[-1] + 1)  # behind an intron
        + exon("g3", "+", miss + 1, miss + 1)  # first, not called
        + exon("g2", "-", minus[0] + 1, minus[0] + 1)  # first
    )
    settings = ScanSettings(contigs=["chrA"], apart=2)
    out = str(tmp_path / "scan")
    body = scan_module.scan(run, genome, out, settings, annotation=str(tmp_path / "a.gtf"), progress=False)
    assert {path.name for path in tmp_path.glob("scan*")} == {
        "scan.plus.bedGraph", "scan.minus.bedGraph", "scan.plus.bw", "scan.minus.bw", "scan.bed", "scan.json", "scan.png"
    }  # fmt: skip
    assert json.loads((tmp_path / "scan.json").read_text()) == json.loads(json.dumps(body))
    quality = body["quality"]
    assert {name: entry["n_true"] for name, entry in quality.items()} == {"all": 4, "acceptor": 1, "first": 3}
    lines = [line.split("\t") for line in (tmp_path / "scan.bed").read_text().splitlines()]
    assert {(int(line[1]), line[5]) for line in lines} == called
    recall = {name: entry["recall"]["value"] for name, entry in quality.items()}
    assert recall == {"all": pytest.approx(3 / 4), "acceptor": 1, "first": pytest.approx(2 / 3)}
    precision = {name: entry["precision"]["value"] for name, entry in quality.items()}
    # A start of the other kind is no mistake, and no hit either.
    n = len(called)
    assert precision == {
        "all": pytest.approx(3 / n), "acceptor": pytest.approx(1 / (n - 2)), "first": pytest.approx(2 / (n - 1)),
    }  # fmt: skip
    assert body["seen_in_training"] == ["chrA"]
    assert body["empty"] == []
    text = TEXTS["chrA"]
    behind = [text[place - 2 : place] == "AG" for place in (plus[0], plus[-1], miss)]
    behind.append(text[minus[0] + 1 : minus[0] + 3] == "CT")  # in transcript direction, AG
    assert body["preceded"] == {"AG": {"all": sum(behind), "acceptor": behind[1], "first": sum(behind) - behind[1]}}


def test_the_curve_of_a_kind_leaves_out_peaks_on_others():
    """Ranked: a first start, an acceptor, nothing: precision of acceptors begins at 1."""
    peaks, acceptors = calls([10, 20, 30], [0.9, 0.8, 0.7]), calls([20, 99])
    figure = precision_recall(
        {"all": (peaks, calls([10, 20, 99])), "acceptor": (calls([20, 30], [0.8, 0.7]), acceptors)}
    )
    first, second = figure.axes[0].lines
    assert np.allclose(first.get_xydata(), [[1 / 3, 1], [2 / 3, 1], [2 / 3, 2 / 3]])
    assert np.allclose(second.get_xydata(), [[1 / 2, 1], [1 / 2, 1 / 2]])


def test_what_the_figures_do_not_tell():
    body = {
        "quality": {"all": {"n_true": 5}, "acceptor": {"n_true": 3}, "first": {"n_true": 2}},
        "preceded": {"AG": {"all": 3, "acceptor": 3, "first": 0}},
    }
    assert list(_doubts(body, ScanSettings())) == []
    assert list(_doubts(body, ScanSettings(behind="AG"))) == [
        "note: 2 of the 5 sites of all are not behind AG, where alone was looked",
        "note: 2 of the 2 sites of first are not behind AG, where alone was looked",
    ]
    body["preceded"]["AG"]["acceptor"] = 1
    (doubt,) = _doubts(body, ScanSettings())
    assert doubt.startswith("WARNING: 33.3% of the annotation's acceptors stand behind AG")
    assert list(_doubts({}, ScanSettings(behind="AG"))) == []


WHOLE = {"chrA": Intervals(np.array([0]), np.array([39]))}


def test_damaged_rows_of_split_csv(run):
    """Ids are names of records, which may look like places that no genome has; a row may be cut short."""
    (run / "split.csv").write_text(f"id,group,chromosome,label,split\nchrA:{'9' * 30}-{'9' * 31},g,A,x,train\n")
    assert seen_in_training(run, [Contig(0, "chrA", 39)], WHOLE, 5) == ["chrA"]
    (run / "split.csv").write_text("id,group,chromosome,label,split\na,g,chrA,x,train\nb,g\n")
    with pytest.raises(InputError, match=r"split.csv: row 2: has no chromosome"):
        seen_in_training(run, [Contig(0, "chrA", 39)], None, 5)


@pytest.mark.parametrize(
    ("row", "seen"),
    [
        ("chrA/39:5+:acceptor,g,A,x,train", ["chrA"]),
        ("chrA/39:5+:acceptor#2,g,A,x,val", ["chrA"]),
        ("A/40:5+:acceptor,g,A,x,train", []),  # another genome's chromosome A
        ("chrA/39:5+:acceptor,g,A,x,test", []),
        ("r,g,B,x,train", []),
    ],
)
def test_contigs_seen_in_training(run, row, seen):
    (run / "split.csv").write_text(f"id,group,chromosome,label,split\n{row}\n")
    assert seen_in_training(run, [Contig(0, "chrA", 39)], None, 5) == seen


def test_nothing_above_the_floor_is_no_bigwig(run, genome, tmp_path):
    settings = ScanSettings(contigs=["chrA"], floor=1.0, threshold=1.0)
    body = scan_module.scan(run, genome, str(tmp_path / "scan"), settings, progress=False)
    assert body["empty"] == [str(tmp_path / f"scan.{strand}.bw") for strand in ("plus", "minus")]
    assert not list(tmp_path.glob("*.bw"))


def test_names_that_no_bigwig_holds_are_told_before_the_scan(run, tmp_path):
    (tmp_path / "g.fa").write_text(">chré\nACGTACGT\n", encoding="utf-8")
    with pytest.raises(InputError, match="a bigWig holds names in ASCII only"):
        scan_module.scan(run, str(tmp_path / "g.fa"), str(tmp_path / "scan"), ScanSettings(), progress=False)
    assert not list(tmp_path.glob("scan*"))


def test_two_scans_into_the_same_files(run, genome, tmp_path):
    out = str(tmp_path / "scan")
    with scan_module._alone(out), pytest.raises(InputError, match="another process is scanning"):
        scan_module.scan(run, genome, out, ScanSettings(), progress=False)


def test_labels_have_files_of_their_own(run, genome, tmp_path, monkeypatch):
    """Two labels, strands averaged, steps, regions: what a run of open chromatin and peaks would be asked."""

    def several(run, **_):
        loaded = toy()
        loaded.task.classes, loaded.task.barcoded = ("open", "CTCF/a b"), np.array([0, 1])
        loaded.settings.training.both_strands = True
        return loaded

    monkeypatch.setattr(scan_module, "load_reader", several)
    (tmp_path / "regions.bed").write_text("chrA\t0\t20\nB\t0\t2\n")
    settings = ScanSettings(step=4, regions=str(tmp_path / "regions.bed"), floor=0.0, threshold=0.4, apart=0)
    body = scan_module.scan(run, genome, str(tmp_path / "scan"), settings, progress=False)
    names = sorted(path.name for path in tmp_path.glob("scan*"))
    (second,) = (
        name.removesuffix(".bed") for name in names if name.startswith("scan.2_CTCF_a_b-") and name.endswith("d")
    )
    assert names == sorted(
        ["scan.json", *(f"{first}.{end}" for first in ("scan.1_open", second) for end in ("bed", "bedGraph", "bw"))]
    )
    assert body["settings"]["strands"] == "mean"
    tracks = [(tmp_path / f"{first}.bedGraph").read_text().splitlines() for first in ("scan.1_open", second)]
    # Softmax: the two add up to one, wherever anything was scored.
    sums = [float(a.split("\t")[3]) + float(b.split("\t")[3]) for a, b in zip(*tracks, strict=True)]
    assert sums == pytest.approx([1.0] * len(sums), abs=0.002)
    assert tracks[0][0].split("\t")[:3] == ["chrA", "0", "4"]
    assert {line.split("\t")[0] for line in tracks[0]} == {
        "chrA"
    }  # the middle of B's first step lies behind its region
    called = [
        line.split("\t")
        for name in (f"{second}.bed", "scan.1_open.bed")
        for line in (tmp_path / name).read_text().splitlines()
    ]
    assert body["calls"] == {"open": body["calls"]["open"], "CTCF/a b": len(called) - body["calls"]["open"]}
    assert {line[5] for line in called} == {"."}
    assert all(int(line[2]) - int(line[1]) == 4 for line in called)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"step": 3}, "expected one class, step 1"),
        ({"strands": "mean"}, "expected one class, step 1"),
        ({"regions": "x.bed"}, "expected one class, step 1"),
    ],
)
def test_an_annotation_needs_every_base(run, genome, tmp_path, change, match):
    with pytest.raises(InputError, match=match):
        scan_module.scan(run, genome, str(tmp_path / "s"), ScanSettings(**change), annotation="a.gtf", progress=False)


def test_regions_of_another_genome(run, genome, tmp_path):
    for text, match in (("chr7\t0\t5\n", "no sequence in common"), ("chrA\t0\t50\n", "ends past the 39 nt")):
        (tmp_path / "r.bed").write_text(text)
        with pytest.raises(InputError, match=match):
            scan_module.scan(
                run, genome, str(tmp_path / "s"), ScanSettings(regions=str(tmp_path / "r.bed")), progress=False
            )
    assert not list(tmp_path.glob("s.*"))


def test_what_is_scored():
    def task(*classes, exclusive):
        return SimpleNamespace(classes=classes, barcoded=np.arange(len(classes))[1 if exclusive else 0 :])

    assert outputs_of(task("no", "yes", exclusive=True), [], "run") == (1,)
    assert outputs_of(task("a", "b", "c", exclusive=False), [], "run") == (0, 1, 2)
    assert outputs_of(task("a", "b", "c", exclusive=False), ["c", "a"], "run") == (0, 2)
    with pytest.raises(InputError, match="label of run: 'no'"):
        outputs_of(task("no", "yes", exclusive=True), ["no"], "run")
    with pytest.raises(InputError, match="has 200 labels; expected at most 128"):
        outputs_of(task(*map(str, range(200)), exclusive=False), [], "run")
    with pytest.raises(InputError, match="tells no probability of a class"):
        outputs_of(SimpleNamespace(classes=("genome",), barcoded=np.arange(0)), [], "run")
