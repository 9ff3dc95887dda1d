"""Peaks over a genome: reading, every way to be left out, division of contigs, and negatives, against the letters written out."""

import gzip
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classify.exons.windows import AmbiguousRuns
from classify.peaks.places import Intervals, divide, good_peaks
from classify.peaks.reading import Peak, chosen, read_peaks
from classify.peaks.settings import PeakSettings
from classify.peaks.windows import peak_windows
from classify.splits import SPLITS, SplitSettings
from specgen.errors import InputError, UnknownName
from specgen.sequences import decode, encode

WIDTH = 21


def peak(start, end, summit=None, strength=1.0, name="TF", contig="c"):
    return Peak(contig, start, end, (start + end) // 2 if summit is None else summit, strength, name, "here", 1)


def row(start, end, name="TF", strength=1.0, offset=-1, contig="c"):
    return f"{contig}\t{start}\t{end}\t{name}\t0\t.\t{strength}\t-1\t-1\t{offset}\n"


class TestReading:
    def test_narrow_peaks(self, tmp_path):
        path = tmp_path / "a.narrowPeak.gz"
        path.write_bytes(gzip.compress(("track x\n#\n" + row(5, 25, "A_b", 7.5, 3) + "\n" + row(5, 25, ".")).encode()))
        one, two = read_peaks(path)
        assert one == Peak("c", 5, 25, 8, 7.5, "A_b", str(path), 3)
        assert (two.summit, two.name, two.where[-7:]) == (15, "", ": line 5"[-7:])

    def test_bed_and_broad_peaks(self, tmp_path):
        bed, broad = tmp_path / "a.bed", tmp_path / "a.broadPeak"
        bed.write_text("c\t5\t25\nc\t0\t3\tx\t9\t+\n")
        broad.write_text("c\t5\t25\tx\t9\t.\t2.5\t-1\t-1\n")
        assert [(p.summit, p.strength, p.name) for p in read_peaks(bed)] == [(15, 0, ""), (1, 9, "x")]
        assert [(p.summit, p.strength, p.name) for p in read_peaks(broad)] == [(15, 2.5, "x")]

    @pytest.mark.parametrize(
        ("name", "text", "message"),
        [
            (
                "a.narrowPeak",
                "c\t1\t5\tx\t0\t.\t1\n",
                r"line 1: expected 10 columns or more .*narrowPeak file has, got 7",
            ),
            ("a.narrowPeak", "c 1 5 x 0 . 1 1 1 1\n", "expected 10 columns or more with tabs between them"),
            ("a.narrowPeak", "\n" + row(5, 5), r"line 2: expected 0 <= start < end, got 5 and 5"),
            ("a.narrowPeak", row(-1, 5), "expected 0 <= start < end"),
            ("a.narrowPeak", row("x", 5), "expected a whole number, got 'x'"),
            ("a.narrowPeak", row(1, 5, offset=4), r"the summit 4 lies outside of the peak's 4 nt"),
            ("a.narrowPeak", row(1, 5, strength="high"), "expected a number in column 7, got 'high'"),
            ("a.narrowPeak", row(1, 5, strength="nan"), "expected a number in column 7, got 'nan'"),
            ("a.narrowPeak", "", "is empty, expected a narrowPeak file"),
            ("a.bed", "#x\n", "holds no intervals, expected a bed file"),
            ("a.bed", "c\t1\n", "expected 3 columns"),
            ("a.peaks", "", r"expected a file ending in \.narrowPeak"),
        ],
    )
    def test_faults_are_one_line(self, tmp_path, name, text, message):
        (tmp_path / name).write_text(text)
        with pytest.raises(InputError, match=message) as caught:
            read_peaks(tmp_path / name)
        assert "\n" not in str(caught.value)
        assert name in str(caught.value)

    def test_choosing_by_name(self):
        peaks = [peak(0, 9, name=name) for name in ("CTCF_K562", "CTCF_A549", "MAX_K562", "")]
        assert chosen(peaks, [], "f") == peaks
        assert [p.name for p in chosen(peaks, ["CTCF_*"], "f")] == ["CTCF_K562", "CTCF_A549"]
        assert [p.name for p in chosen(peaks, ["MAX_K562", "CTCF_A549"], "f")] == ["CTCF_A549", "MAX_K562"]
        with pytest.raises(UnknownName, match=r"name of peaks in f: 'CTCF_MCF-7'; did you mean 'CTCF_"):
            chosen(peaks, ["CTCF_MCF-7"], "f")
        with pytest.raises(UnknownName, match=r"name of peaks in f: 'GATA1'; known: CTCF_A549, CTCF_K562, MAX_K562"):
            chosen(peaks, ["GATA1"], "f")
        with pytest.raises(InputError, match="its peaks have no names to choose by"):
            chosen(peaks[3:], ["x"], "f")


spans = st.lists(st.tuples(st.integers(0, 60), st.integers(1, 9)), max_size=8)


@given(spans, spans)
def test_intervals_against_sets_of_places(those, asked):
    taken = {place for start, size in those for place in range(start, start + size)}
    low = np.array([start for start, _ in asked], dtype=np.int64)
    high = low + np.array([size for _, size in asked], dtype=np.int64)
    found = Intervals.of([peak(start, start + size) for start, size in those]).meet(low, high)
    expected = [bool(taken & set(range(a, b))) for a, b in zip(low.tolist(), high.tolist(), strict=True)]
    assert found.tolist() == expected


class TestDivision:
    @pytest.mark.parametrize("gap", [0, 7, 40, 150])
    def test_windows_of_two_splits_never_come_near(self, gap):
        settings = PeakSettings(block=100, gap=gap)
        territory = divide({"c": 3000}, settings, SplitSettings(test_fraction=0.3, val_fraction=0.3))["c"]
        places = np.arange(WIDTH // 2 + 1, 3000 - WIDTH // 2)
        split = territory.of(places, WIDTH)
        assert set(split.tolist()) - {3} == {0, 1, 2}
        last = {}
        for place, number in zip(places.tolist(), split.tolist(), strict=True):
            if number < 3:
                for other, there in last.items():
                    assert other == number or place - there >= WIDTH + gap - 1
                last[number] = place
        # A window that lies within one block, half a gap from its ends, is never lost.
        deep = [p for p in places.tolist() if gap // 2 + 12 <= (p - 1) % 100 <= 100 - gap // 2 - 12]
        assert (split[np.isin(places, deep)] < 3).all()

    def test_chromosomes_go_as_a_whole(self):
        lengths = {"chr1": 500, "chr2": 300, "chr3": 50}
        split = SplitSettings(test_chromosomes=["1"], val_chromosomes=["3"])
        found = divide(lengths, PeakSettings(block=100), split)
        assert [set(found[name].splits.tolist()) for name in lengths] == [{2}, {0}, {1}]
        with pytest.raises(InputError, match="no record lies on chromosome 9; found: 1, 2, 3"):
            divide(lengths, PeakSettings(), SplitSettings(test_chromosomes=["9"]))


class TestGoodPeaks:
    def good(self, peaks, *, text="ACGT" * 100, blacklist=(), **change):
        settings = PeakSettings(**{"merge": 0, "gap": 10, "block": 10_000, **change})
        codes = encode(text)
        territory = divide({"c": len(codes)}, settings, SplitSettings().all_test())["c"]
        kept, split, counts = good_peaks(
            peaks, len(codes), AmbiguousRuns.of(codes), Intervals.of(blacklist), territory, WIDTH, settings
        )
        assert (split == SPLITS.index("test")).all()
        assert len(kept) + counts.total() == len(peaks)
        return kept, counts

    def test_ends_of_the_contig(self):
        # A window of 21 nt reaches 10 nt to either side: summits 10 .. 389 of 400.
        peaks = [peak(0, 30, summit) for summit in (9, 10)] + [peak(380, 400, summit) for summit in (389, 390)]
        kept, counts = self.good(peaks)
        assert [p.summit for p in kept] == [10, 389]
        assert counts == Counter(windows_past_a_contigs_end_dropped=2)

    def test_blacklist_meets_the_peak_or_the_window(self):
        peaks = [peak(100, 102), peak(200, 290), peak(300, 302)]
        black = [peak(90, 92), peak(289, 290), peak(312, 320)]  # windows are 91 .. 111 and 291 .. 311, 0-based
        kept, counts = self.good(peaks, blacklist=black)
        assert [p.start for p in kept] == [300]
        assert counts == Counter(blacklisted_dropped=2)

    def test_letters_that_are_none(self):
        text = "ACGT" * 50 + "NR" + "ACGT" * 50
        assert self.good([peak(200, 202)], text=text, max_ambiguous=2 / 21)[0]
        kept, counts = self.good([peak(200, 202)], text=text, max_ambiguous=1.9 / 21)
        assert not kept
        assert counts == Counter(rich_in_ambiguous_letters_dropped=1)

    @given(st.lists(st.tuples(st.integers(10, 380), st.integers(0, 5)), max_size=12), st.integers(0, 60))
    def test_the_strongest_of_a_crowd(self, given_, merge):
        peaks = [peak(s, s + 1, s, float(w), str(i)) for i, (s, w) in enumerate(given_)]
        kept, counts = self.good(peaks, merge=merge)
        expected = []
        for one in sorted(peaks, key=lambda p: (-p.strength, p.summit, p.name)):
            if all(abs(one.summit - other.summit) >= merge for other in expected):
                expected.append(one)
        assert sorted(kept) == sorted(expected)
        assert counts["overlapping_a_stronger_peak_dropped"] == len(peaks) - len(expected)

    def test_faulty_neighbours_suppress_nothing(self):
        kept, _ = self.good([peak(0, 30, 9, 9.0), peak(0, 30, 12, 1.0)], merge=50)
        assert [p.summit for p in kept] == [12]


@pytest.fixture
def genome(tmp_path):
    """Two contigs of random letters, a run of N in the first; and the texts."""
    rng = np.random.default_rng(0)
    texts = {name: "".join(rng.choice(list("ACGT"), 6000)) for name in ("c1", "c2")}
    texts["c1"] = texts["c1"][:3000] + "N" * 300 + texts["c1"][3300:]
    (tmp_path / "g.fa").write_text("".join(f">{name}\n{text}\n" for name, text in texts.items()))
    return tmp_path, texts


def made(genome, rows, negatives=("gc",), each=1, split=None, width=WIDTH, **change):
    folder, _ = genome
    (folder / "p.narrowPeak").write_text("".join(rows))
    settings = PeakSettings(
        **{"files": ["p.narrowPeak"], "genome": "g.fa", "merge": 0, "block": 500, "gap": 20, "distance": 30, **change}
    )
    split = split or SplitSettings(test_fraction=0.3, val_fraction=0.3)
    return peak_windows(settings, folder, width, list(negatives), each, split)


ROWS = [row(s, s + 40, f"TF{s % 2}", s % 7, 25, contig) for contig in ("c1", "c2") for s in range(100, 5800, 151)]


def place(window):
    contig, span = window.name.split(":")[:2]
    low, high = map(int, span.split("-"))
    return contig, low - 1, high


class TestWindows:
    @pytest.mark.parametrize("width", [21, 20, 1])
    def test_positives_are_the_genome_around_the_summit(self, genome, width):
        found, counts = made(genome, ROWS, width=width)
        positives = [w for w in found if w.label]
        summits = {("c1" if i < len(ROWS) // 2 else "c2", int(text.split("\t")[1]) + 25) for i, text in enumerate(ROWS)}
        for window in positives:
            contig, low, high = place(window)
            assert decode(window.codes) == genome[1][contig][low:high]
            assert high - low == width
            assert (contig, low + width // 2) in summits
            assert window.group == f"{contig}:block_{(low + width // 2) // 500}"
        left_out = sum(value for key, value in counts.items() if key.endswith("dropped"))
        assert len(positives) + left_out == len(ROWS) == counts["peaks_read"]
        assert counts["rich_in_ambiguous_letters_dropped"] >= 1

    @pytest.mark.parametrize("kind", ["gc", "flanks"])
    def test_places_of_negatives(self, genome, kind):
        found, counts = made(genome, ROWS[::4], [kind], each=2)
        peaks = [(t.split("\t")[0], int(t.split("\t")[1])) for t in ROWS[::4]]
        negatives = [w for w in found if not w.label]
        assert len(negatives) + counts[f"{kind}_negatives_not_found"] == 2 * (len(found) - len(negatives))
        assert len(negatives) > len(found) / 2
        assert len({w.name for w in negatives}) == len(negatives)
        for window in negatives:
            contig, low, high = place(window)
            assert decode(window.codes) == genome[1][contig][low:high]
            assert window.codes.max() < 15
            assert all(other != contig or high + 30 <= start or low >= start + 40 + 30 for other, start in peaks)

    def test_gc_is_that_of_the_positives(self, genome):
        found, counts = made(genome, ROWS[::3])
        share = [[sum(x in "GC" for x in decode(w.codes)) for w in found if w.label == label] for label in (1, 0)]
        assert counts["gc_negatives_not_found"] == 0
        assert sorted(share[0]) == sorted(share[1])

    def test_flanks_are_the_nearest_that_are_free(self, genome):
        # The window is 1010 .. 1030 of the peak 1000 .. 1039. A step of 51 ends 20 or 21 nt from the peak, which is nearer
        # than 30; the next is 21 nt farther.
        rows = [row(1000, 1040, offset=20, contig="c1")]
        (_, negative), _ = made(genome, rows, ["flanks"], split=SplitSettings().all_test())
        low, high = place(negative)[1:]
        assert (low, high) in ((1082, 1103), (938, 959))
        # Where another peak is in the way, the same step on the other side is taken.
        other, mirrored = row(low, high, contig="c1"), (938, 959) if low > 1000 else (1082, 1103)
        found, _ = made(genome, [*rows, other], ["flanks"], split=SplitSettings().all_test())
        assert mirrored in [place(w)[1:] for w in found if not w.label]

    def test_splits_are_apart_for_all_kinds(self, genome):
        found, _ = made(genome, ROWS, ["gc", "flanks", "shuffled"])
        assert {w.split for w in found} == set(SPLITS)
        held = {}
        for window in found:
            contig, low, high = place(window)
            for at in range(low, high):
                assert held.setdefault((contig, at), window.split) == window.split
        assert all(window.kind in window.name for window in found)

    def test_a_shuffle_has_the_pairs_and_the_group_of_its_positive(self, genome):
        found, _ = made(genome, ROWS[:9], ["shuffled"])
        by_place = {place(w): w for w in found if w.label}
        shuffles = [w for w in found if not w.label]
        assert len(shuffles) == len(by_place) >= 5
        for window in shuffles:
            parent = by_place[place(window)]
            assert (window.group, window.split) == (parent.group, parent.split)
            assert sorted(zip(window.codes, window.codes[1:], strict=False)) == sorted(
                zip(parent.codes, parent.codes[1:], strict=False)
            )

    def test_order_of_lines_and_an_index_change_nothing(self, genome):
        import pysam

        before, counts = made(genome, ROWS, ["gc", "flanks", "shuffled"])
        pysam.faidx(str(genome[0] / "g.fa"))
        after, again = made(genome, ROWS[::-1], ["gc", "flanks", "shuffled"])
        assert [(w.name, w.split, w.codes.tolist()) for w in before] == [
            (w.name, w.split, w.codes.tolist()) for w in after
        ]
        assert counts == again

    def test_names_are_kinds_only_where_they_are_chosen(self, genome):
        assert {w.kind for w in made(genome, ROWS)[0] if w.label} == {"peak"}
        assert {w.kind for w in made(genome, ROWS, names=["TF*"])[0] if w.label} == {"TF0", "TF1"}
        found, counts = made(genome, ROWS, names=["TF1"])
        assert {w.kind for w in found if w.label} == {"TF1"}
        assert counts["peaks_of_other_names"] == sum("TF0" in text for text in ROWS)

    def test_blacklist_files(self, genome):
        (genome[0] / "black.bed").write_text("c1\t0\t6000\n")
        found, counts = made(genome, ROWS, blacklist="black.bed")
        assert {place(w)[0] for w in found} == {"c2"}
        assert counts["blacklisted_dropped"] > 30
        (genome[0] / "black.bed").write_text("chr22\t0\t6000\n")
        with pytest.raises(
            InputError, match=r"black\.bed: no sequence in common with .*g\.fa: chr22 here, c1, c2 there"
        ):
            made(genome, ROWS, blacklist="black.bed")

    @pytest.mark.parametrize(
        ("rows", "message"),
        [
            ([row(5980, 6001, contig="c1")], r"p\.narrowPeak: line 1: the peak c1:5980-6001 ends past the 6000 nt"),
            ([row(5, 25, contig="chrc1")], r"'chrc1' here is 'c1' there \(chr, capitals\)"),
            ([row(5, 25, contig="x")], r"no sequence in common with .*g\.fa: x here, c1, c2 there"),
            ([row(0, 5, contig="c1")], r"no peak is left .*windows past a contigs end dropped 1"),
        ],
    )
    def test_what_does_not_fit_the_genome(self, genome, rows, message):
        with pytest.raises(InputError, match=message) as caught:
            made(genome, rows)
        assert "\n" not in str(caught.value)

    def test_contigs_that_the_genome_lacks_are_counted(self, genome):
        found, counts = made(genome, [*ROWS, row(5, 25, contig="x")])
        assert counts["peaks_on_missing_contigs"] == 1
        assert counts["contigs_missing"] == ["x"]
        assert found

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"files": ["a.bed"]}, r"data\.peaks\.files is given but not data\.peaks\.genome"),
            ({"genome": "g.fa"}, r"data\.peaks\.genome is given but not data\.peaks\.files"),
            ({"merge": -1}, r"data\.peaks\.merge: expected 0 nt or more, got -1"),
            ({"block": 0}, r"data\.peaks\.block"),
            ({"max_ambiguous": 1.5}, "a share from 0 to 1"),
        ],
    )
    def test_settings_that_cannot_be(self, change, message):
        with pytest.raises(InputError, match=message):
            PeakSettings(**change)
