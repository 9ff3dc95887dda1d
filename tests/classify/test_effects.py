"""Effects of variants: windows against replaced text, a linear network by hand, lines that are refused, files read by others."""

import csv
import dataclasses
import gzip
import json
import os
from types import SimpleNamespace

import numpy as np
import pysam
import pysam.bcftools
import pytest
import torch
from genome_toys import COMPLEMENT
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from toy import one_line

from classify.__main__ import main
from classify.effects import effects as effects_module
from classify.effects import scores as scores_module
from classify.effects.alleles import allele_windows, change_of
from classify.effects.effects import effects
from classify.effects.scores import LogOdds
from classify.effects.settings import EffectsSettings
from classify.effects.tables import Fields
from classify.evaluation import Loaded, load_run, predict_logits
from classify.hardware import choose
from classify.noise import InputNoise
from classify.planted.settings import PlantingSettings
from classify.planted.simulation import plant
from classify.settings import TrainingSettings
from specgen.errors import InputError
from specgen.sequences import INDICATORS, decode, encode

COLUMNS = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO"
HEAD = f"##fileformat=VCFv4.2\n{COLUMNS}\n"


def trimmed(start, ref, alt):
    """Naive: shared letters off the ends, then off the beginnings."""
    while ref and alt and ref[-1] == alt[-1]:
        ref, alt = ref[:-1], alt[:-1]
    while ref and alt and ref[0] == alt[0]:
        start, ref, alt = start + 1, ref[1:], alt[1:]
    return start, ref, alt


def around(text, middle, width):
    return "".join(
        text[i] if 0 <= i < len(text) else "=" for i in range(middle - width // 2, middle - width // 2 + width)
    )


def by_replacement(text, start, ref, alt, width):
    """Naive windows as text: the whole contig with the allele replaced, cut around the allele's middle letter."""
    start, ref, alt = trimmed(start, ref, alt)
    other = text[:start] + alt + text[start + len(ref) :]
    return around(text, start + len(ref) // 2, width), around(other, start + len(alt) // 2, width)


@st.composite
def variants(draw, least=1):
    """A contig and one of its variants: SNVs, MNVs, insertions, deletions, both at once, with and without a shared base."""
    text = draw(st.text("ACGT", min_size=least, max_size=30))
    start = draw(st.integers(0, len(text) - 1))
    ref = text[start : start + draw(st.integers(1, 9))]
    alt = draw(
        st.one_of(st.text("ACGT", min_size=1, max_size=9), st.just(ref[0]), st.text("A", max_size=4).map(ref.__add__))
    )
    return text, start, ref, alt


class TestWindows:
    @settings(max_examples=300)
    @given(variants(), st.integers(1, 15))
    def test_against_replaced_text(self, variant, width):
        text, start, ref, alt = variant
        change = change_of(start, encode(ref), encode(alt))
        assert (change.start, *map(decode, change[1:])) == trimmed(start, ref, alt)
        width = max(width, len(change.before), len(change.after))
        codes = encode(text)
        pair = allele_windows(change, lambda low, high: codes[low:high], len(codes), width)
        assert tuple(map(decode, pair)) == by_replacement(text, start, ref, alt, width)

    def test_as_the_docstring_says(self):
        #       0123456789
        codes = encode("ACGTTGCAAC")

        def cut(*change):
            pair = allele_windows(change_of(*change), lambda low, high: codes[low:high], 10, 5)
            return list(map(decode, pair))

        assert cut(4, encode("T"), encode("A")) == ["GTTGC", "GTAGC"]
        assert cut(3, encode("TT"), encode("T")) == ["CGTTG", "CGTGC"]  # of the two, the first is taken out
        assert cut(5, encode("GCA"), encode("G")) == ["GCAAC", "TGAC="]
        assert cut(4, encode("T"), encode("TGG")) == ["TTGCA", "TGGGC"]
        assert cut(9, encode("C"), encode("CA")) == ["AC===", "ACA=="]


class Linear(nn.Module):
    """Log odds as a sum of weights (W, 4) of the letters that are there: every effect is known by hand."""

    def __init__(self, weights):
        super().__init__()
        self.weights = torch.as_tensor(weights, dtype=torch.float64)
        self.device = "cpu"

    def scored(self, codes):
        letters = torch.from_numpy(INDICATORS).double()[codes.int()]
        odds = (letters * self.weights).sum((1, 2))
        return torch.stack([1 - odds / 2, 1 + odds / 2], dim=1).float()


def softmax(logits):
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True)


def loaded_with(module, window, classes=("no", "yes"), exclusive=True, probabilities=softmax, centred=False):
    task = SimpleNamespace(
        window=window,
        classes=classes,
        outputs=len(classes),
        exclusive=exclusive,
        probabilities=probabilities,
        answers="window",
        centred=centred,
    )
    settings = SimpleNamespace(seed=0, training=SimpleNamespace(both_strands=False))
    return Loaded(settings, task, module, choose(TrainingSettings(threads=1)), 64)


WEIGHTS = np.random.default_rng(5).normal(size=(9, 4))
TEXTS = {"chrA": "ACGTTGCAGGATCCNAGTACGATCGGATTACAGTTTGCANNNNNNNNNCA", "chrB": "GGCATTGCAR"}


@pytest.fixture
def places(tmp_path, monkeypatch):
    """A folder with genome.fa, and a network of nine letters that every run is."""
    (tmp_path / "genome.fa").write_text("".join(f">{name} toy\n{text}\n" for name, text in TEXTS.items()))
    monkeypatch.setattr(effects_module, "load_reader", lambda run, **_: loaded_with(Linear(WEIGHTS), 9))
    return tmp_path


def line(contig, position, ref, alt, info=".", *rest):
    return "\t".join([contig, str(position), ".", ref, alt, ".", "PASS", info, *rest]) + "\n"


def scored(folder, text, strands="both", **options):
    """Counts, rows of the table, lines of the VCF."""
    (folder / "in.vcf").write_bytes(text if isinstance(text, bytes) else text.encode())
    done = effects(folder, str(folder / "in.vcf"), str(folder / "genome.fa"), str(folder / "out"),
                   EffectsSettings(strands=strands, **options), progress=False)  # fmt: skip
    with (folder / "out.tsv").open(newline="") as file:
        return done, list(csv.DictReader(file, delimiter="\t")), (folder / "out.vcf").read_text().splitlines()


def odds_of(window, weights=WEIGHTS):
    """Naive: letters shared among their bases, as text."""
    shares = {"N": 4 * [0.25], "R": [0.5, 0, 0.5, 0], "=": 4 * [0]}
    return sum(
        float(np.dot(w, shares.get(c) or [c == b for b in "ACGT"])) for w, c in zip(weights, window, strict=True)
    )


def expected(text, start, ref, alt):
    """Log odds of reference and alternative, the mean of both strands."""
    windows = by_replacement(text, start, ref, alt, 9)
    table = {**COMPLEMENT, ord("R"): "Y"}
    return [(odds_of(window) + odds_of(window.translate(table)[::-1])) / 2 for window in windows]


class TestNumbers:
    def test_an_snv_by_hand_on_both_strands(self, places, monkeypatch):
        """A in the middle counts 2, T counts 4; C > A is G > T on the other strand: (2 + 4) / 2 = 3."""
        weights = np.zeros((9, 4))
        weights[4] = [2, 0, 0, 4]
        monkeypatch.setattr(effects_module, "load_reader", lambda run, **_: loaded_with(Linear(weights), 9))
        for strands, delta in (("both", 3), ("+", 2), ("-", 4)):
            _, (row,), lines = scored(places, HEAD + line("chrA", 7, "C", "A"), strands=strands)
            assert float(row["delta_logit_yes"]) == delta
            assert float(row["logit_ref_yes"]) == 0
            assert float(row["p_ref_yes"]) == 0.5
            assert float(row["p_alt_yes"]) == pytest.approx(1 / (1 + np.exp(-delta)), rel=1e-5)
            assert lines[-1].split("\t")[7].startswith(f"CLASSIFY_DELTA={delta};CLASSIFY_PREF=0.5;CLASSIFY_PALT=0.")

    @settings(max_examples=40)
    @given(st.lists(variants(least=12), min_size=1, max_size=6), st.sampled_from([1, 3, 1024]))
    def test_all_kinds_against_replaced_text(self, tmp_path_factory, found, most):
        folder = tmp_path_factory.mktemp("many")
        (folder / "genome.fa").write_text("".join(f">c{i}\n{text}\n" for i, (text, *_) in enumerate(found)))
        rows = [(f"c{i}", start + 1, ref, alt) for i, (_, start, ref, alt) in enumerate(found)]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(effects_module, "load_reader", lambda run, **_: loaded_with(Linear(WEIGHTS), 9))
            patch.setattr(effects_module, "MOST_WINDOWS", most)
            done, told, _ = scored(folder, HEAD + "".join(line(*row) for row in rows))
        assert done["rows"] == len(rows) == len(told)
        for (contig, position, ref, alt), row in zip(rows, told, strict=True):
            text = found[int(contig[1:])][0]
            if ref == alt:
                assert row["unscored"] == "same_as_reference"
                continue
            before, after = expected(text, position - 1, ref, alt)
            assert row["unscored"] == ""
            assert float(row["logit_ref_yes"]) == pytest.approx(before, abs=1e-4)
            assert float(row["delta_logit_yes"]) == pytest.approx(after - before, abs=1e-4)

    def test_one_score_for_each_alt_and_reasons_for_the_others(self, places):
        text = HEAD + (
            line("chrA", 7, "CAG", "TAG,C,CAGTT,<DEL>,*,C]chrB:2],.CAG,CAG", "DP=7;END=9;")
            + line("chrA", 8, "A", "C")  # overlaps, and is scored alone
            + line("chrA", 9, "G", ".", "X", "GT", "0/0", "./.")
            + line("chrA", 42, "N", "A")
            + line("chrA", 3, "GTTGCAGGATC", "G,GTTGCAGGATCTTTTTTTTTT")
            + line("chrB", 10, "A", "T", "Y=1")  # R of the genome is A in a VCF
        )
        done, told, lines = scored(places, text)
        assert done == {
            "rows": 6, "alleles": 13, "without_alt": 1, "scored": 5, "beyond": 1, "absent": [], "strands": "both", "distance": 0,
            "unscored": {"symbolic": 1, "spanning_deletion": 1, "breakend": 2, "same_as_reference": 1, "ambiguous": 1,
                         "longer_than_window": 2},
        }  # fmt: skip
        for row, (ref, alt) in zip(told, [("CAG", "TAG"), ("CAG", "C"), ("CAG", "CAGTT")], strict=False):
            before, after = expected(TEXTS["chrA"], 6, ref, alt)
            assert float(row["delta_logit_yes"]) == pytest.approx(after - before, abs=1e-4)
        alone = next(row for row in told if row["position"] == "8")
        before, after = expected(TEXTS["chrA"], 7, "A", "C")
        assert float(alone["delta_logit_yes"]) == pytest.approx(after - before, abs=1e-4)
        assert [row["allele"] for row in told[:8]] == [str(i) for i in range(1, 9)]
        records = [row.split("\t") for row in lines if not row.startswith("#")]
        before = [row.split("\t") for row in text.splitlines() if not row.startswith("#")]
        assert [row[:7] + row[8:] for row in records] == [row[:7] + row[8:] for row in before]
        info = dict(pair.split("=") for pair in records[0][7].split(";"))
        assert info["DP"] == "7"
        assert info["CLASSIFY_DELTA"].split(",")[:3] == [row["delta_logit_yes"] for row in told[:3]]
        assert info["CLASSIFY_DELTA"].split(",")[3:] == ["."] * 5
        assert info["CLASSIFY_UNSCORED"] == ".,.,.,symbolic,spanning_deletion,breakend,breakend,same_as_reference"
        assert records[2][7:] == ["X", "GT", "0/0", "./."]
        assert records[3][7] == "CLASSIFY_UNSCORED=ambiguous"
        assert [row["unscored"] for row in told[-3:]] == ["longer_than_window"] * 2 + [""]

    def test_the_share_of_ambiguous_letters(self, places):
        text = HEAD + line("chrA", 13, "C", "A")  # one N in nine
        assert scored(places, text)[1][0]["unscored"] == "ambiguous"
        _, (row,), _ = scored(places, text, max_ambiguous=0.2)
        before, after = expected(TEXTS["chrA"], 12, "C", "A")
        assert float(row["delta_logit_yes"]) == pytest.approx(after - before, abs=1e-4)

    def test_noise_of_the_input_is_no_effect(self, places, monkeypatch):
        class Noisy(Linear):
            def __init__(self):
                super().__init__(WEIGHTS)
                self.noise = InputNoise(0.5, 1)

            def scored(self, codes):
                letters = torch.from_numpy(INDICATORS)[codes.int()].transpose(1, 2)
                odds = (self.noise(codes, letters).transpose(1, 2) * self.weights).sum((1, 2))
                return torch.stack([-odds / 2, odds / 2], dim=1).float()

        monkeypatch.setattr(effects_module, "load_reader", lambda run, **_: loaded_with(Noisy(), 9))
        _, (row,), _ = scored(places, HEAD + line("chrA", 7, "C", "A"))
        before, after = expected(TEXTS["chrA"], 6, "C", "A")
        assert float(row["delta_logit_yes"]) == pytest.approx(after - before, abs=1e-4)

    @pytest.mark.parametrize("exclusive", [True, False])
    def test_several_classes_and_several_labels(self, places, monkeypatch, exclusive):
        """Logits of A, C and G in the middle: 1, 2 and 3 each for itself."""

        class Three(nn.Module):
            def scored(self, codes):
                return torch.from_numpy(INDICATORS)[codes[:, 4].int()][:, :3] * torch.tensor([1.0, 2.0, 3.0])

        def sigmoid(logits):
            return 1 / (1 + np.exp(-logits))

        classes = ("a", "b|1", "b 1")
        toy = loaded_with(Three(), 9, classes, exclusive, softmax if exclusive else sigmoid)
        monkeypatch.setattr(effects_module, "load_reader", lambda run, **_: toy)
        _, (row,), lines = scored(places, HEAD + line("chrA", 7, "C", "A"))
        # Strands: C > A and G > T, so mean logits of (0, 1, 1.5) become (.5, 0, 0).
        before, after = (toy.task.probabilities(np.array([some]))[0] for some in ([0, 1, 1.5], [0.5, 0, 0]))
        info = dict(pair.split("=") for pair in lines[-1].split("\t")[7].split(";"))
        assert len(info) == 9
        for name, key, p, q in zip(classes, ("_a", "_b_1", "_b_1_3"), before, after, strict=True):
            delta = np.log(q / (1 - q)) - np.log(p / (1 - p))
            assert float(row[f"delta_logit_{name}"]) == pytest.approx(delta, abs=1e-5)
            assert float(info[f"CLASSIFY_DELTA{key}"]) == pytest.approx(delta, abs=1e-5)
            assert float(row[f"p_alt_{name}"]) == float(info[f"CLASSIFY_PALT{key}"]) == pytest.approx(q, rel=1e-5)
        _, (row,), _ = scored(places, HEAD + line("chrA", 7, "C", "A"), classes=["b*"])
        assert [name for name in row if name.startswith("delta")] == ["delta_logit_b|1", "delta_logit_b 1"]
        with pytest.raises(InputError, match="unknown class 'c'"):
            scored(places, HEAD, classes=["c"])


class TestFiles:
    TEXT = HEAD + line("chrA", 7, "CAG", "TAG,C", "DP=7") + line("chrB", 2, "g", "t") + line("chrA", 3, "G", "<DUP>")
    SORTED = HEAD + line("chrA", 3, "G", "<DUP>") + line("chrA", 7, "CAG", "TAG,C", "DP=7") + line("chrB", 2, "g", "t")

    def test_opened_by_htslib(self, places, capfd):
        declared = self.SORTED.replace(
            "#CHROM", '##INFO=<ID=DP,Number=1,Type=Integer,Description="depth,ID=CLASSIFY_DELTA">\n#CHROM'
        )
        _, told, _ = scored(places, declared)
        with pysam.VariantFile(str(places / "out.vcf")) as read:
            assert {name: contig.length for name, contig in read.header.contigs.items()} == {"chrA": 50, "chrB": 10}
            assert read.header.info["CLASSIFY_DELTA"].number == "A"
            assert read.header.info["CLASSIFY_DELTA"].type == "Float"
            assert "each ALT alone against the reference" in read.header.info["CLASSIFY_DELTA"].description
            records = list(read)
        assert [record.alleles for record in records] == [("G", "<DUP>"), ("CAG", "TAG", "C"), ("g", "t")]
        assert records[0].info["CLASSIFY_UNSCORED"] == ("symbolic",)
        assert records[1].info["DP"] == 7
        assert records[1].info["CLASSIFY_DELTA"] == pytest.approx([float(row["delta_logit_yes"]) for row in told[1:3]])
        assert records[1].info["CLASSIFY_PALT"] == pytest.approx([float(row["p_alt_yes"]) for row in told[1:3]])
        shown = pysam.bcftools.view("-H", "-i", "CLASSIFY_DELTA!='.'", str(places / "out.vcf"))
        assert [row.split("\t")[1] for row in shown.splitlines()] == ["7", "2"]
        assert capfd.readouterr().err == ""  # nothing that htslib would warn of

    def test_every_form_gives_the_same(self, places):
        _, _, lines = scored(places, self.SORTED)
        table = (places / "out.tsv").read_bytes()
        packed = gzip.compress(self.SORTED.encode())
        (places / "plain.vcf").write_text(self.SORTED)
        pysam.tabix_compress(str(places / "plain.vcf"), str(places / "block.vcf.gz"))
        windows = self.SORTED.replace("\n", "\r\n").encode()
        for text in (packed, (places / "block.vcf.gz").read_bytes(), windows, b"\xef\xbb\xbf" + windows):
            assert scored(places, text)[2] == lines
            assert (places / "out.tsv").read_bytes() == table

    def test_any_order_with_an_index_and_a_word_without(self, places):
        with pytest.raises(InputError, match=r"in\.vcf: line 5: contig 'chrA' comes back after another; sort the file"):
            scored(places, self.TEXT)
        done, ordered, _ = scored(places, self.SORTED)
        pysam.faidx(str(places / "genome.fa"))
        assert scored(places, self.SORTED)[:2] == (done, ordered)
        again, told, _ = scored(places, self.TEXT)
        assert again == done
        assert [row["position"] for row in told] == ["7", "7", "2", "3"]
        assert sorted(map(str, told)) == sorted(map(str, ordered))

    def test_contigs_in_another_order_than_the_genome(self, places):
        text = HEAD + line("chrB", 2, "G", "T") + line("chrA", 7, "C", "T")
        assert [row["contig"] for row in scored(places, text)[1]] == ["chrB", "chrA"]

    def test_batches_do_not_matter(self, places, monkeypatch):
        _, told, lines = scored(places, self.SORTED)
        for name in ("MOST_WINDOWS", "MOST_ROWS", "MOST_LETTERS"):
            monkeypatch.setattr(effects_module, name, 1)
            assert scored(places, self.SORTED)[1:] == (told, lines)

    def test_a_header_alone(self, places):
        done, told, lines = scored(places, HEAD)
        assert (done["rows"], told) == (0, [])
        assert lines[0] == "##fileformat=VCFv4.2"
        with pysam.VariantFile(str(places / "out.vcf")) as read:
            assert list(read) == []

    def test_a_second_run_annotates_beside_the_first(self, places):
        _, _, lines = scored(places, self.SORTED, tag="FIRST")
        with pytest.raises(InputError, match=r"in\.vcf: the header declares FIRST_DELTA already; choose another --tag"):
            scored(places, "\n".join(lines) + "\n", tag="FIRST")
        _, _, lines = scored(places, "\n".join(lines) + "\n", tag="SECOND")
        info = lines[-1].split("\t")[7]
        assert info.index("FIRST_DELTA=") < info.index("SECOND_DELTA=")

    def test_names_that_need_quoting(self):
        score = LogOdds(loaded_with(Linear(WEIGHTS), 9), EffectsSettings(strands="+"))
        fields = Fields(score.numbers, "T", ['a "b"\\\n'])
        header = SimpleNamespace(meta=["##fileformat=VCFv4.2"], columns=COLUMNS, infos=set(), contigs=set())
        text = fields.header(header, {"1": 5}, "run\nhere")
        assert sum('a \\"b\\"\\\\ ' in line for line in text) == 3
        assert "##classify_effects=run here" in text
        assert not any("\n" in line for line in text)


FAULTS = [
    (line("chrA", 5, "G", "A"), r"line 3: chrA:5: expected the reference G, as REF says, found T in .*genome\.fa; is it"),
    (line("chrA", 6, "G", "A") + line("chrA", 3, "GTC", "G"), r"line 4: chrA:3: expected the reference GTC, .* GTT .*letter 3"),
    (line("chrA", 15, "A", "C"), "line 3: chrA:15: expected the reference A, as REF says, found N"),
    (line("chrB", 10, "G", "C"), "expected the reference G, as REF says, found R"),
    (line("A", 5, "T", "A"), r"line 3: names 1 sequences otherwise than .*genome\.fa: 'A' here is 'chrA' there \(chr"),
    (line("chrZ", 5, "T", "A"), r"line 3: no sequence in common with .*genome\.fa: chrZ here, chrA, chrB there$"),
    (line("chrA", 0, "T", "A"), r"line 3: chrA:0 with REF of 1 nt lies outside of that sequence, which is 1 to 50"),
    (line("chrA", 51, "T", "A"), "chrA:51 .*lies outside"),
    (line("chrA", 50, "AC", "A"), "chrA:50 with REF of 2 nt lies outside"),
    (line("chrA", "9" * 18, "A", "C"), "lies outside"),
    *((line("chrA", word, "A", "C"), "line 3: expected a position from 1 on") for word in ("-1", "x", "", "1_0", "9" * 5000)),
    (line("chrA", 5, "", "A"), "line 3: expected REF of letters"),
    (line("chrA", 5, ".", "A"), "line 3: expected REF of letters"),
    *((line("chrA", 5, "T", alt), "line 3: expected ALT of letters") for alt in ("", "A,", "Q", "<", "A,.", "-", "<A B>")),
    ("chrA\t5\t.\tT\tA\t.\t.\n", "line 3: expected 8 columns or more with tabs between them, got 7"),
    ("chrA 5 . T A . . .\n", "line 3: expected 8 columns or more with tabs between them, got 1"),
]  # fmt: skip


class TestFaults:
    @pytest.mark.parametrize(("text", "match"), FAULTS)
    def test_lines(self, places, text, match):
        (places / "in.vcf").touch()
        before = set(places.iterdir())
        with pytest.raises(InputError, match=match) as told:
            scored(places, HEAD + text)
        assert str(told.value).startswith(f"{places / 'in.vcf'}: line ")
        assert len(str(told.value).splitlines()) == 1
        assert len(str(told.value)) < 500
        assert set(places.iterdir()) == before

    @pytest.mark.parametrize(
        ("text", "match"),
        [
            (b"", "is empty, expected a VCF file"),
            (line("chrA", 5, "T", "A").encode(), r"line 1: expected ##fileformat=VCFv4\.x"),
            (
                b"##fileformat=VCFv4.2\n" + line("chrA", 5, "T", "A").encode(),
                "line 2: expected the header line #CHROM POS",
            ),
            (b"##fileformat=VCFv4.2\n", "ends without the header line"),
            (HEAD.replace("\t", " ").encode(), "line 2: expected the header line"),
            # Named, since gzip writes the time into its bytes and pytest would name the test by them.
            pytest.param(
                gzip.compress((HEAD + 2000 * line("chrA", 5, "T", "A")).encode())[:-20],
                "truncated or damaged",
                id="truncated",
            ),
            (HEAD.encode() + b"\xff\xfe\x00", "not text"),
            pytest.param(gzip.compress(b"BCF\x02\x02" + b"\x00" * 9), "BCF", id="bcf"),
        ],
    )
    def test_headers(self, places, text, match):
        with pytest.raises(InputError, match=match):
            scored(places, text)
        assert not list(places.glob("*out*"))

    def test_files_that_are_not_there_or_would_be_lost(self, places):
        (places / "x.vcf").write_text(HEAD)
        for vcf, genome, out, match in (
            ("none.vcf", "genome.fa", "out", "no such file"),
            ("", "genome.fa", "out", "is a folder"),
            ("x.vcf", "none.fa", "out", "no such file"),
            ("x.vcf", "genome.fa", "x", r"x\.vcf: is an input; choose another --out"),
        ):
            with pytest.raises(InputError, match=match):
                effects(
                    places,
                    str(places / vcf),
                    str(places / genome),
                    str(places / out),
                    EffectsSettings(),
                    progress=False,
                )
        assert (places / "x.vcf").read_text() == HEAD

    @pytest.mark.parametrize("once", ["vcf", "genome"])
    def test_what_can_be_read_only_once(self, places, once):
        (places / "x.vcf").write_text(HEAD)
        os.mkfifo(places / "pipe")
        for path, name in (("-", "standard input"), (str(places / "pipe"), r".*/pipe")):
            files = {"vcf": str(places / "x.vcf"), "genome": str(places / "genome.fa"), once: path}
            with pytest.raises(InputError, match=f"^{name}: can be read only once, as pipes can; expected a file"):
                effects(places, **files, out=str(places / "out"), settings=EffectsSettings(), progress=False)
        assert not list(places.glob("*out*"))

    @pytest.mark.parametrize("out", ["od/", "folder", ""])
    def test_names_of_files_that_would_be_hidden(self, places, monkeypatch, capsys, out):
        monkeypatch.chdir(places)
        (places / "x.vcf").write_text(HEAD)
        (places / "config.yaml").write_text("task: x\n")
        (places / "folder").mkdir()
        before = set(places.rglob("*"))
        assert main(["effects", "--run", ".", "--vcf", "x.vcf", "--genome", "genome.fa", "--out", out]) == 2
        one_line(capsys, "--out: expected the first part of the names of files, such as ")
        assert set(places.rglob("*")) == before

    @pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
    def test_a_stopped_run_leaves_what_was_there(self, places, monkeypatch, error):
        scored(places, HEAD)
        before = {path: path.read_bytes() for path in places.iterdir() if path.name != "in.vcf"}
        calls = []

        def stopped(loaded, inputs):
            calls.append(len(inputs))
            if len(calls) > 2:
                raise error
            return predict_logits(loaded, inputs)

        monkeypatch.setattr(scores_module, "predict_logits", stopped)
        monkeypatch.setattr(effects_module, "MOST_ROWS", 1)
        with pytest.raises(error) as told:
            scored(places, TestFiles.SORTED)
        assert "begins anew" in str(told.value) or error is RuntimeError
        assert len(calls) == 3
        assert {path: path.read_bytes() for path in places.iterdir() if path.name != "in.vcf"} == before

    @pytest.mark.parametrize(
        ("change", "match"),
        [
            ({"strands": "x"}, "strands"),
            ({"strands": "mean"}, "unknown strands 'mean'; did you mean 'each'"),
            ({"max_ambiguous": 2}, "max_ambiguous"),
            ({"tag": "1;"}, "tag: expected letters"),
        ],
    )
    def test_settings_that_make_no_sense(self, change, match):
        with pytest.raises(InputError, match=match):
            EffectsSettings(**change)


def commanded(run, folder, *more):
    command = [
        "effects",
        "--run",
        run,
        "--vcf",
        folder / "in.vcf",
        "--genome",
        folder / "genome.fa",
        "--out",
        folder / "out",
    ]
    return main([str(word) for word in [*command, "--progress", "false", *more]])


@pytest.fixture(params=["pictures", "labels"])
def trained(request):
    """Runs of a network of spectrograms, and of several labels from letters."""
    return request.getfixturevalue({"pictures": "base", "labels": "labelled"}[request.param])


def test_trained_networks_against_their_logits(trained, tmp_path, capsys):
    loaded = load_run(trained)
    width = loaded.task.window
    text = "".join(np.random.default_rng(3).choice(list("ACGT"), 2 * width))
    (tmp_path / "genome.fa").write_text(f">1\n{text}\n")
    start = width - 3
    ref = text[start : start + 4]
    alts = ["ACGT"[("ACGT".index(ref[0]) + 1) % 4] + ref[1:], ref[0], ref + "ACGTA"]
    (tmp_path / "in.vcf").write_text(HEAD + line("1", start + 1, ref, ",".join(alts)))
    assert commanded(trained, tmp_path, "--strands", "both") == 0
    assert "3 of 3 alternative alleles scored, on 1 lines" in capsys.readouterr().out
    names = loaded.task.classes if not loaded.task.exclusive else loaded.task.classes[1:]
    with (tmp_path / "out.tsv").open(newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    for row, alt in zip(rows, alts, strict=True):
        windows = [encode(some) for some in by_replacement(text, start, ref, alt, width)]
        turned = [encode(decode(window).translate(COMPLEMENT)[::-1]) for window in windows]
        logits = predict_logits(loaded, torch.from_numpy(np.stack(windows + turned))).astype(float)
        logits = (logits[:2] + logits[2:]) / 2
        odds = logits[:, 1:] - logits[:, :1] if loaded.task.exclusive else logits
        for name, (before, after) in zip(names, odds.T, strict=True):
            assert float(row[f"delta_logit_{name}"]) == pytest.approx(after - before, abs=1e-4)
    assert any(abs(float(row[f"delta_logit_{names[0]}"])) > 1e-4 for row in rows)


def test_the_command_in_one_line(places, capsys):
    (places / "in.vcf").write_text(HEAD + line("chrA", 5, "G", "A") + line("chrA", 5, "T", "<X>"))
    (places / "config.yaml").touch()
    assert commanded(places, places) == 2
    one_line(capsys, "line 3: chrA:5: expected the reference G, as REF says, found T")
    (places / "in.vcf").write_text(HEAD + line("chrA", 5, "T", "<X>,A") + line("chrA", 5, "T", "."))
    assert commanded(places, places) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0].endswith("1 of 2 alternative alleles scored, on 2 lines")
    assert said[1:] == ["not scored: 1 symbolic", "not scored: 1 lines without an alternative"]


@pytest.mark.slow
def test_a_variant_that_breaks_a_motif_has_the_largest_effect_of_its_sequence(tmp_path):
    """100 sequences with a planted motif that the network has not seen; all 303 SNVs of each go through the command.

    In each sequence one SNV within the motif is drawn, and its effect is held against those of all 288 beside the motif. By
    chance it would be the largest in one of 289 sequences.
    """
    # Of a motif as long as those of transcription factors other letters are seldom one letter away, on either strand.
    planting = PlantingSettings(motifs=["AGATAAGG"], n=2000, both_strands=True, accidental="filter", seed=1)
    options = ["--data.simulate", json.dumps(dataclasses.asdict(planting)), "--model_options.kernel", "8"]
    options += ["--augment.reverse_complement", "0.5", "--training.epochs", "10", "--training.batch_size", "64"]
    options += [
        "--training.threads",
        "1",
        "--training.progress",
        "false",
        "--optimiser.lr",
        "0.01",
        "--runs",
        str(tmp_path),
    ]
    assert main(["train", "--task", "motifs", "--model", "deepbind_small", *options]) == 0
    sequences = list(plant(dataclasses.replace(planting, n=100, seed=2)))
    rng = np.random.default_rng(0)
    drawn, sites = {}, {}
    with (tmp_path / "genome.fa").open("w") as genome, (tmp_path / "in.vcf").open("w") as vcf:
        vcf.write(HEAD)
        for i in range(100):
            flanks, text, (site,) = (
                decode(sequences[i].codes),
                decode(sequences[100 + i].codes),
                sequences[100 + i].sites,
            )
            whole = flanks[:50] + text + flanks[51:]  # every window is full
            genome.write(f">c{i}\n{whole}\n")
            vcf.writelines(
                line(f"c{i}", p + 1, whole[p], ",".join(sorted(set("ACGT") - {whole[p]}))) for p in range(50, 151)
            )
            sites[f"c{i}"] = range(51 + site.start, 51 + site.end)
            drawn[f"c{i}"] = (int(rng.choice(sites[f"c{i}"])), int(rng.integers(1, 4)))
    assert commanded(tmp_path / "motifs" / "deepbind_small" / "default", tmp_path, "--strands", "both") == 0
    inside, beside = {}, dict.fromkeys(sites, 0.0)
    with (tmp_path / "out.tsv").open(newline="") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            contig, position, effect = row["contig"], int(row["position"]), float(row["delta_logit_motif"])
            if position not in sites[contig]:
                beside[contig] = max(beside[contig], abs(effect))
            elif (position, int(row["allele"])) == drawn[contig]:
                inside[contig] = effect
    largest = [abs(inside[contig]) > beside[contig] for contig in sites]
    assert sum(largest) >= 95, f"{sum(largest)} of 100"
    assert sum(effect < 0 for effect in inside.values()) >= 95  # it speaks against the motif
    print(f"largest effect of its sequence: {sum(largest)} of 100")
