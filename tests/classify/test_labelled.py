"""Labelled files: every format and fault, windows of records of any length, groups, shuffled negatives, shared stretches."""

import gzip

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classify import lines
from classify.labelled.formats import FORMATS, Columns, Row, format_of, read_rows
from classify.labelled.grouping import linked, sharing, strandless_digest
from classify.labelled.rows import Window
from classify.labelled.settings import LabelledFiles, Part
from classify.labelled.windows import fitted, groups_of, labelled_windows, made_negatives
from classify.peaks.negatives import NEGATIVES
from classify.splits import SplitSettings
from specgen.errors import InputError
from specgen.sequences import decode, encode, reverse_complement

letters = st.text("ACGT", min_size=1, max_size=30)


def write(path, text):
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


def rows(path, label=1):
    return [(row.name, row.label, decode(row.codes)) for row in read_rows(path, label, Columns())]


def turned(text):
    return decode(reverse_complement(encode(text)))


class TestFormats:
    def test_fasta_has_the_label_of_its_file(self, tmp_path):
        path = write(tmp_path / "a.fa.gz", ">x 1\nACG\nT\n>y\nnnac\n>x\nA\n")
        assert rows(path) == [("x", 1, "ACGT"), ("y", 1, "NNAC"), ("x", 1, "A")]
        assert rows(path, 0)[0] == ("x", 0, "ACGT")

    @pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.csv.gz", "a.txt"])
    def test_tables_have_their_own(self, tmp_path, name):
        sign = "\t" if "tsv" in name else ","
        text = (
            "\n".join(sign.join(words) for words in (["label", "sequence"], ["1", "acgt"], ["0", '"GGR"'], [])) + "\n"
        )
        assert rows(write(tmp_path / name, text)) == [("line_2", 1, "ACGT"), ("line_3", 0, "GGR")]

    def test_names_of_columns_and_records(self, tmp_path):
        path = write(tmp_path / "a.tsv", "name\tDNA\ty\nchr1:5-9_shuf\tACG\t0\n")
        (row,) = read_rows(path, 1, Columns("DNA", "y"))
        assert (row.name, row.label, decode(row.codes)) == ("chr1:5-9_shuf", 0, "ACG")
        assert (row.origin.chromosome, row.origin.start, row.origin.end) == ("1", 5, 9)

    def test_deepbind(self, tmp_path):
        path = write(
            tmp_path / "a.seq.gz", "FoldID\tEventID\tseq\tBound\nA\tseq_1_peak\tACG\t1\nA\tseq_2_shuf\tCAG\t0\n"
        )
        assert rows(path) == [("seq_1_peak", 1, "ACG"), ("seq_2_shuf", 0, "CAG")]

    def test_a_text_that_is_not_compressed_whatever_its_name_says(self, tmp_path):
        path = tmp_path / "a.csv.gz"
        path.write_text("sequence,label\nACG,1\n")
        assert rows(path) == [("line_2", 1, "ACG")]

    @pytest.mark.parametrize(
        ("name", "text", "message"),
        [
            ("a.csv", "sequence,bound\nACG,1\n", r"a\.csv: has no column 'label'; its columns are sequence, bound$"),
            ("a.seq", "seq\tbound\nACG\t1\n", r"has no column 'Bound'; its columns are seq, bound"),
            ("a.csv", "sequence,label\nACG,1\nACG,2\n", r"line 3: expected 0 or 1 in the column 'label', got '2'"),
            ("a.csv", "sequence,label\nACG,yes\n", r"line 2: expected 0 or 1 .*'yes'"),
            ("a.csv", "sequence,label\nACG,0,1\n", r"line 2: expected 2 columns, got 3"),
            ("a.csv", "sequence,label\n,0\n", r"line 2: the column 'sequence' is empty"),
            ("a.csv", "sequence,label\n\nACXG,0\n", r"line 3: letter 'X' at position 3 is no nucleotide"),
            ("a.csv", "sequence,label\n", r"holds no rows below its header"),
            ("a.csv", "", r"is empty, expected a table with the columns sequence and label"),
            ("a.fa", "", "holds no records"),
            ("a.fa", ">x\nAC!G\n", r"record 'x': letter '!' at position 3"),
            ("a.bam", "x", r"expected a file ending in \.fa, .*\.seq \(or \.gz\), got '.bam'"),
        ],
    )
    def test_faults_are_one_line(self, tmp_path, name, text, message):
        with pytest.raises(InputError, match=message) as caught:
            rows(write(tmp_path / name, text))
        assert "\n" not in str(caught.value)
        assert name in str(caught.value)

    @pytest.mark.parametrize("name", ["a.csv.gz", "a.seq.gz", "a.fa.gz"])
    def test_gzip_that_is_none_or_is_cut_off(self, tmp_path, name):
        path = tmp_path / name
        path.write_bytes(bytes(range(128, 256)) * 9)
        with pytest.raises(InputError, match=f"{name}: (not text|starts with)"):
            rows(path)
        heads = {"a.csv.gz": "sequence,label\n", "a.seq.gz": "seq,Bound\n", "a.fa.gz": ">x\n"}
        ends = {"a.csv.gz": ",1", "a.seq.gz": ",1", "a.fa.gz": ""}
        lines = [decode(codes) + ends[name] for codes in some(999)]
        whole = gzip.compress((heads[name] + "\n".join(lines)).encode())
        path.write_bytes(whole[: len(whole) // 2])
        with pytest.raises(InputError, match="compressed data is truncated or damaged"):
            rows(path)
        with pytest.raises(InputError, match="no such file"):
            rows(tmp_path / f"other_{name}")
        path.unlink()
        path.mkdir()
        with pytest.raises(InputError, match="is a folder"):
            rows(path)

    def test_labelled_files_are_no_negatives(self, tmp_path):
        path = write(tmp_path / "a.csv", "sequence,label\nACG,0\n")
        with pytest.raises(InputError, match="holds labels of its own; expected a FASTA file of negatives"):
            rows(path, 0)

    def test_every_format_is_found_by_its_endings(self, tmp_path):
        for name in FORMATS:
            for ending in FORMATS[name].endings:
                for more in ("", ".gz"):
                    assert format_of(tmp_path / f"x.y{ending}{more}") is FORMATS[name]


class TestGrouping:
    @given(letters, letters)
    def test_a_sequence_and_its_other_strand_are_one(self, one, two):
        same = strandless_digest(encode(one)) == strandless_digest(encode(two))
        assert same == (two in (one, turned(one)))
        assert strandless_digest(encode(one)) == strandless_digest(encode(turned(one)))

    @given(st.lists(letters, min_size=1, max_size=6), st.lists(letters, max_size=6), st.integers(1, 6))
    def test_shared_stretches_against_naive_search(self, queries, others, k):
        stretches = {text[i : i + k] for text in others for i in range(len(text) - k + 1)}
        expected = [
            any(strand[i : i + k] in stretches for strand in (text, turned(text)) for i in range(len(text) - k + 1))
            for text in queries
        ]
        assert sharing([encode(t) for t in queries], [encode(t) for t in others], k).tolist() == expected

    def test_padding_is_no_stretch(self):
        padded = np.pad(encode("ACG"), 9)
        assert not sharing([padded], [np.pad(encode("TTT"), 9)], 5)[0]
        assert linked([padded, np.pad(encode("TTT"), 9)], 5) == ["", ""]

    @given(st.lists(st.text("ACGT", max_size=12), max_size=8), st.integers(2, 5))
    def test_what_shares_a_stretch_is_linked_also_through_others(self, texts, k):
        stretches = [{some[i : i + k] for some in (t, turned(t)) for i in range(len(t) - k + 1)} for t in texts]
        groups = []  # of numbers, merged by hand
        for i, own in enumerate(stretches):
            near = [group for group in groups if any(own & stretches[j] for j in group)]
            groups = [group for group in groups if group not in near] + [{i}.union(*near)]
        names = linked([encode(t) for t in texts], k)
        for i, one in enumerate(names):
            assert (one == "") == (not stretches[i])
            together = next(group for group in groups if i in group)
            assert {j for j, other in enumerate(names) if one and other == one} == (together if one else set())

    def test_linked_records_are_one_group(self):
        long, rng = "ACGTTGCAAGGCTTACCGATCATTGGCAAC", np.random.default_rng(0)
        ends = ["".join(rng.choice(list("ACGT"), 30)) for _ in range(3)]
        found = [
            Row(f"r{i}", 1, encode(text)) for i, text in enumerate((long + ends[0], ends[1] + turned(long), ends[2]))
        ]
        apart, together = groups_of(found), groups_of(found, 24)
        assert len(set(apart)) == 3
        assert together[0] == together[1] != together[2] == apart[2]

    @pytest.mark.parametrize(
        ("settings", "told"),
        [
            ({"train": ["a.fa"], "linked": 23}, "expected 0, or 24 nt or more"),
            ({"train": ["a.fa"], "linked": -1}, "expected 0, or 24 nt or more"),
            ({"linked": 50}, "is of files of sequences"),
        ],
    )
    def test_linked_is_checked(self, settings, told):
        with pytest.raises(InputError, match=rf"data\.linked: {told}"):
            LabelledFiles(**settings).check_files(SplitSettings(), genome=False)


def windows(tmp_path, parts, width=5, short="pad", most=0):
    found, counts = labelled_windows(
        [Part(split, [str(write(tmp_path / f"{i}{split}.fa", text))], []) for i, (split, text) in enumerate(parts)],
        tmp_path, Columns(), width, short, most, 0,
    )  # fmt: skip
    return found, counts


class TestWindows:
    @given(letters, st.integers(1, 40))
    def test_the_middle_or_blanks_on_both_sides(self, text, width):
        window = decode(fitted(encode(text), width))
        assert len(window) == width
        if len(text) >= width:
            low = text.index(window)
            assert any(
                text[i : i + width] == window and abs((len(text) - width) / 2 - i) < 1 for i in range(low, len(text))
            )
        else:
            assert window.strip("=") == text
            assert abs(len(window) - len(window.lstrip("=")) - (len(window) - len(window.rstrip("=")))) <= 1

    def test_what_is_done_is_counted(self, tmp_path):
        text = ">a\nACGTACG\n>b\nACG\n>c\nTTGCA\n"
        found, counts = windows(tmp_path, [("", text)])
        assert [decode(w.codes) for w in found] == ["CGTAC", "=ACG=", "TTGCA"]
        assert [w.length for w in found] == [7, 3, 5]
        assert (counts["longer_cut_to_their_middle"], counts["shorter_padded"], counts["shorter_dropped"]) == (1, 1, 0)
        found, counts = windows(tmp_path, [("", text)], short="drop")
        assert [w.name for w in found] == ["a", "c"]
        assert (counts["shorter_padded"], counts["shorter_dropped"]) == (0, 1)
        with pytest.raises(InputError, match="none of the 3 records has the 50 nt of a window"):
            windows(tmp_path, [("", text)], width=50, short="drop")

    def test_copies_other_strands_and_overlapping_places_are_one_group(self, tmp_path):
        records = ["chr1:10-20 AACCG", "x AACCG", "y CGGTT", "1:18-30_shuf GATTA", "2:18-30 TTTTT", "chr1:50-60 CCCCC"]
        text = "".join(f">{r.split()[0]}\n{r.split()[1]}\n" for r in records)
        found, _ = windows(tmp_path, [("", text)])
        groups = [w.group for w in found]
        assert len({groups[i] for i in (0, 1, 2, 3)}) == 1
        assert len(set(groups)) == 3
        assert [w.chromosome for w in found] == ["1", "", "", "1", "2", "1"]
        again, _ = windows(tmp_path, [("", text.replace(">x\nAACCG\n", ""))])  # adding a record renames no group
        assert {w.group for w in again} <= set(groups)

    def test_no_more_than_wanted_are_taken_but_of_the_test(self, tmp_path):
        text = "".join(f">r{i}\n{decode(codes)}\n" for i, codes in enumerate(some(40)))
        found, counts = windows(tmp_path, [("test", text), ("train", text)], most=10)
        assert [w.split for w in found].count("test") == 40
        assert [w.split for w in found].count("train") == 10
        assert counts["left_out_by_data_most"] == 30
        fewer, _ = windows(tmp_path, [("train", text.split(">r35")[0])], most=10)
        taken = [{w.name for w in part if w.split == "train"} for part in (found, fewer)]
        assert len(taken[0] & taken[1]) >= 7  # who is taken hangs on its letters


def some(count, length=30, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.choice(np.array([1, 2, 4, 8], dtype=np.uint8), length) for _ in range(count)]


def pairs(codes):
    return sorted(zip(codes[:-1].tolist(), codes[1:].tolist(), strict=True))


class TestNegatives:
    def test_a_shuffle_keeps_pairs_of_letters_group_and_split(self):
        positives = [Window(f"r{i}", 1, codes, 30, f"g{i}", "train", "1") for i, codes in enumerate(some(20))]
        made = made_negatives(positives, {"shuffled": NEGATIVES["shuffled"]}, 2, 0)
        assert len(made) == 40
        for i, window in enumerate(made):
            parent = positives[i % 20]
            assert pairs(window.codes) == pairs(parent.codes)
            assert (window.group, window.split, window.label, window.kind) == (parent.group, "train", 0, "shuffled")
        changed = [not np.array_equal(w.codes, positives[i % 20].codes) for i, w in enumerate(made)]
        assert np.mean(changed) > 0.9
        assert any(not np.array_equal(a.codes, b.codes) for a, b in zip(made[:20], made[20:], strict=True))
        again = made_negatives(positives[::-1], {"shuffled": NEGATIVES["shuffled"]}, 1, 0)
        assert {w.name: w.codes.tolist() for w in again} == {w.name: w.codes.tolist() for w in made[:20]}

    def test_blanks_stay_where_they_are(self):
        window = Window("r", 1, np.pad(some(1)[0], (4, 5)), 30, "g", "")
        (made,) = made_negatives([window], {"shuffled": NEGATIVES["shuffled"]}, 1, 0)
        assert (np.flatnonzero(made.codes) == np.arange(4, 34)).all()

    def test_parts_that_have_negatives_get_none(self):
        given = [
            Window("a", 1, some(1)[0], 30, "a", "test"),
            Window("b", 0, some(1, seed=1)[0], 30, "b", "test"),
            Window("c", 1, some(1, seed=2)[0], 30, "c", "train"),
        ]
        made = made_negatives(given, {"shuffled": NEGATIVES["shuffled"]}, 1, 0)
        assert [w.name for w in made] == ["c:shuffled"]

    def test_genomic_ones_need_a_genome(self):
        window = Window("r", 1, some(1)[0], 30, "g")
        with pytest.raises(InputError, match="gc ones are cut from a genome"):
            made_negatives([window], {"gc": NEGATIVES["gc"]}, 1, 0)


def test_rows_know_nothing_of_their_place_by_default():
    assert Row("x", 1, encode("A")).origin.start == -1


@pytest.mark.parametrize("line", ['"' + "A" * 200_000 + '",1', 'a,"' + "A" * 200_000])
def test_a_field_longer_than_the_csv_module_takes(tmp_path, line):
    path = tmp_path / "x.csv"
    for text, number in ((f"sequence,label\n{line}\n", 2), (f"{line}\n", 1)):
        path.write_text(text)
        with pytest.raises(InputError, match=f"line {number}: cannot be read as fields"):
            list(read_rows(path, 1, Columns()))


def test_rows_that_are_held_may_not_grow_as_much_as_sequence(tmp_path):
    path = tmp_path / "x.csv.gz"
    row = b"ACGT" * 1000 + b",1\n"
    path.write_bytes(gzip.compress(b"sequence,label\n") + gzip.compress(row * 1000) * 5)
    with pytest.raises(
        InputError, match=r"x.csv.gz: .* compressed bytes become more than 40 times as many; if that is meant"
    ):
        list(read_rows(path, 1, Columns()))


def test_a_line_longer_than_any_of_a_table(tmp_path, monkeypatch):
    monkeypatch.setattr(lines, "LONGEST", 1000)
    path = tmp_path / "x.csv"
    path.write_text("sequence,label\n" + "A" * 990 + ",1\n")
    assert len(list(read_rows(path, 1, Columns()))) == 1
    path.write_text("sequence,label\n" + "A" * 2000 + ",1\n")
    with pytest.raises(InputError, match="line 2: has more than 1,000 letters"):
        list(read_rows(path, 1, Columns()))
