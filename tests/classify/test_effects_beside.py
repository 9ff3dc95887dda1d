"""Losses and gains beside variants: a planted acceptor by hand on both strands, and naive comparisons of replaced text."""

import csv
import math

import numpy as np
import pysam
import pytest
from genome_toys import COMPLEMENT
from hypothesis import given, settings
from hypothesis import strategies as st
from test_effects import HEAD, Linear, commanded, line, loaded_with, trimmed, variants

from classify.effects import effects as effects_module
from classify.effects import scores as scores_module
from classify.effects.effects import effects
from classify.effects.scores import LogOdds, Spread
from classify.effects.settings import BESIDE, EffectsSettings
from classify.evaluation import predict_logits
from specgen.errors import InputError

WIDTH = 9
AG = np.zeros((WIDTH, 4))
"""Log odds of -4, 3 more for A two letters before the middle, and 3 more for G right before it: 2 behind AG."""
AG[WIDTH // 2], AG[WIDTH // 2 - 2, 0], AG[WIDTH // 2 - 1, 2] = -4, 3, 3

PLUS, MINUS = f"{'T' * 20}AG{'T' * 20}", f"{'A' * 20}CT{'A' * 20}"
"""Acceptors of which the exon begins at letter 22 (0-based), and, on the other strand, at letter 19."""


def odds_at(text, i, strand):
    """Naive, from the text alone."""
    padded = f"  {text}  "
    ahead = padded[i : i + 2] if strand == "+" else padded[i + 3 : i + 5].translate(COMPLEMENT)[::-1]
    return -4 + 3 * (ahead[0] == "A") + 3 * (ahead[1] == "G")


def chance(odds):
    return 1 / (1 + math.exp(-odds))


def moved_by(before, after):
    """What decides which is the strongest: the change of -ln(1 - p)."""
    return math.log(1 - chance(before)) - math.log(1 - chance(after))


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """Scores lines over contigs: counts, rows of the table, lines of the VCF."""
    monkeypatch.setattr(effects_module, "load_reader", lambda run, **_: loaded_with(Linear(AG), WIDTH, centred=True))

    def score(text, texts=None, **options):
        texts = texts or {"p": PLUS, "m": MINUS}
        (tmp_path / "genome.fa").write_text("".join(f">{name}\n{some}\n" for name, some in texts.items()))
        (tmp_path / "in.vcf").write_text(HEAD + text)
        paths = (str(tmp_path / name) for name in ("in.vcf", "genome.fa", "out"))
        done = effects(tmp_path, *paths, EffectsSettings(**options), progress=False)
        with (tmp_path / "out.tsv").open(newline="") as file:
            return done, list(csv.DictReader(file, delimiter="\t")), (tmp_path / "out.vcf").read_text().splitlines()

    score.folder = tmp_path
    return score


def told(row, what):
    """Log odds, its difference, place and strand of a loss or gain."""
    values = [row[f"{what}_{name}_yes"] for name in ("logit", "p_ref", "p_alt", "offset", "strand")]
    return (*map(float, values[:3]), int(values[3]), values[4])


HAND = [
    # Contig, line, what, log odds with REF and ALT, offset from POS, strand.
    ("p", (21, "A", "C"), "loss", 2, -1, 2, "+"),  # an SNV in the AG
    ("p", (20, "TA", "T"), "loss", 2, -1, 3, "+"),  # A is deleted
    ("p", (21, "A", "AC"), "loss", 2, -1, 2, "+"),  # C is put between A and G
    ("p", (19, "TTAGTT", "TT"), "loss", 2, -4, 4, "+"),  # all of it is deleted, with the exon's first letter
    ("p", (10, "T", "TAG"), "gain", -4, 2, 1, "+"),  # an AG is inserted
    (
        "p",
        (22, "G", "GC"),
        "gain",
        -4,
        2,
        0,
        "+",
    ),  # the inserted letter is the exon's first: told at the letter in front
    ("p", (22, "G", "GC"), "loss", 2, -4, 1, "+"),  # and the old one is that no more
    ("p", (22, "GT", "G"), "loss", 2, -4, 1, "+"),  # the exon's first letter is deleted
    ("p", (22, "GT", "G"), "gain", -4, 2, 2, "+"),  # and the next one stands there
    ("p", (24, "T", "A"), "loss", -1, -4, -2, "-"),  # no acceptor is near: half of one falls on the other strand
    ("m", (22, "T", "G"), "loss", 2, -1, -2, "-"),
    ("m", (21, "CT", "C"), "loss", 2, -1, -1, "-"),
    ("m", (21, "C", "CG"), "loss", 2, -1, -1, "-"),
    ("m", (30, "A", "ACT"), "gain", -4, 2, 0, "-"),
]


class TestByHand:
    @pytest.mark.parametrize(("contig", "variant", "what", "before", "after", "offset", "strand"), HAND)
    def test_an_acceptor(self, toy, contig, variant, what, before, after, offset, strand):
        for options in ({}, {"distance": 5}, {"distance": 5, "strands": strand}):
            _, (row,), lines = toy(line(contig, *variant), **options)
            change, p, q, at, side = told(row, what)
            assert (change, at, side) == (after - before, offset, strand)
            assert (p, q) == (pytest.approx(chance(before), rel=1e-5), pytest.approx(chance(after), rel=1e-5))
            info = dict(pair.split("=") for pair in lines[-1].split("\t")[7].split(";"))
            tag = f"CLASSIFY_{what.upper()}"
            names = (tag, f"{tag}_PREF", f"{tag}_PALT", f"{tag}_AT", f"{tag}_STRAND")
            assert [info[name] for name in names] == [
                row[f"{what}_{name}_yes"] for name in ("logit", "p_ref", "p_alt", "offset", "strand")
            ]

    def test_the_window_around_the_variant_does_not_ask_about_the_site(self, toy):
        """A > C at -2: around the variant itself log odds are -4 before and behind; the site two letters on loses 3."""
        _, (row,), _ = toy(line("p", 21, "A", "C"), distance=0, strands="+")
        assert float(row["delta_logit_yes"]) == 0
        assert not any(name.startswith(("loss", "gain")) for name in row)
        _, (row,), _ = toy(line("p", 21, "A", "C"), distance=1, strands="+")
        assert row["loss_logit_yes"] == ""  # 2 nt away
        _, (row,), lines = toy(line("p", 21, "A", "C"), distance=2, strands="+")
        assert float(row["delta_logit_yes"]) == 0
        assert (float(row["loss_logit_yes"]), row["gain_logit_yes"]) == (-3, "")
        assert "CLASSIFY_GAIN=.;CLASSIFY_GAIN_PREF=.;CLASSIFY_GAIN_PALT=.;CLASSIFY_GAIN_AT=.;" in lines[-1]

    def test_the_mean_of_both_strands_is_one_value(self, toy):
        """At the site 2 on + and -4 on -, where its neighbours are T: -1 behind TT, so (2 - 1) / 2; without A (-1 - 1) / 2."""
        _, (row,), _ = toy(line("p", 21, "A", "C"), strands="both")
        change, p, q, at, side = told(row, "loss")
        assert (change, at, side) == (-1.5, 2, "both")
        assert (p, q) == (pytest.approx(chance(0.5), rel=1e-5), pytest.approx(chance(-1), rel=1e-5))
        assert [name for name in row if name.startswith("delta")] == ["delta_logit_yes"]

    def test_strands_told_apart(self, toy):
        """Around the variant itself, of either strand, with names of their own in table and VCF."""
        _, (row,), lines = toy(line("p", 24, "T", "A"), strands="each")
        names = [
            f"{name}{side}_yes"
            for side in ("", "_plus", "_minus")
            for name in ("delta_logit", "logit_ref", "p_ref", "p_alt")
        ]
        assert list(row)[7:19] == names
        sides = [float(row[f"delta_logit_{side}_yes"]) for side in ("plus", "minus")]
        assert float(row["delta_logit_yes"]) == np.mean(sides)
        for side, strand in (("plus", "+"), ("minus", "-")):
            before, after = (odds_at(text, 23, strand) for text in (PLUS, PLUS[:23] + "A" + PLUS[24:]))
            assert float(row[f"logit_ref_{side}_yes"]) == before
            assert float(row[f"delta_logit_{side}_yes"]) == after - before
        info = dict(pair.split("=") for pair in lines[-1].split("\t")[7].split(";"))
        assert info["CLASSIFY_DELTA_MINUS"] == row["delta_logit_minus_yes"]
        assert info["CLASSIFY_DELTA"] == row["delta_logit_yes"]

    def test_windows_with_too_many_ambiguous_letters_are_left_out(self, toy):
        texts = {
            "p": PLUS[:25] + "N" + PLUS[26:]
        }  # within the window of the acceptor, not within that around the variant
        _, (row,), _ = toy(line("p", 21, "A", "C"), texts, strands="+")
        assert row["unscored"] == row["loss_logit_yes"] == ""
        _, (row,), _ = toy(line("p", 21, "A", "C"), texts, strands="+", max_ambiguous=0.2)
        assert told(row, "loss")[3] == 2


def naive(text, start, ref, alt, distance, strands):
    """Every comparison as (log odds with REF, with ALT, 0-based place, strand), letter by letter on replaced text."""
    at, ref, alt = trimmed(start, ref, alt)
    other = text[:at] + alt + text[at + len(ref) :]
    shift, found = len(alt) - len(ref), []
    for strand in strands:
        before, after = (
            lambda i, some=some, strand=strand: odds_at(some, i, strand) if 0 <= i < len(some) else math.inf
            for some in (text, other)
        )
        for i in range(max(0, at - distance), min(len(text), at + len(ref) + distance)):
            if i < at + min(len(ref), len(alt)):
                found.append((before(i), after(i), i, strand))
            elif i >= at + len(ref):
                found.append((before(i), after(i + shift), i, strand))
            else:
                found.append((before(i), min(after(at + len(alt) - 1), after(at + len(alt))), i, strand))
        for j in range(at + len(ref), at + len(alt)):
            front = at + len(ref) - 1
            found.append((min(before(front), before(front + 1)), after(j), max(front, 0), strand))
    return found


class TestAgainstReplacedText:
    @settings(max_examples=60)
    @given(st.lists(variants(least=12), min_size=1, max_size=4), st.integers(1, 12), st.sampled_from([1, 7, 1024]))
    def test_all_kinds(self, tmp_path_factory, found, distance, most):
        """Contigs of 12 to 30 letters: windows reach beyond their ends, and distances, too."""
        folder = tmp_path_factory.mktemp("beside")
        (folder / "genome.fa").write_text("".join(f">c{i}\n{text}\n" for i, (text, *_) in enumerate(found)))
        rows = [(f"c{i}", start + 1, ref, alt) for i, (_, start, ref, alt) in enumerate(found)]
        (folder / "in.vcf").write_text(HEAD + "".join(line(*row) for row in rows))
        paths = (str(folder / name) for name in ("in.vcf", "genome.fa", "out"))
        asked = []

        def counted(loaded, inputs):
            asked.append(len(inputs))
            return predict_logits(loaded, inputs)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(effects_module, "load_reader", lambda run, **_: loaded_with(Linear(AG), WIDTH, centred=True))
            patch.setattr(effects_module, "MOST_WINDOWS", most)
            patch.setattr(scores_module, "predict_logits", counted)
            effects(folder, *paths, EffectsSettings(distance=distance), progress=False)
        assert max(asked, default=0) <= most + (most == 1)  # the two windows around a variant come together
        with (folder / "out.tsv").open(newline="") as file:
            table = list(csv.DictReader(file, delimiter="\t"))
        for (text, start, ref, alt), row in zip(found, table, strict=True):
            if row["unscored"]:
                assert ref == alt or max(map(len, trimmed(start, ref, alt)[1:])) > WIDTH
                continue
            comparisons = naive(text, start, ref, alt, distance, "+-")
            for what, sign in (("loss", -1), ("gain", 1)):
                moves = sorted(
                    (sign * moved_by(a, b), -abs(i - start), i - start, side, a, b) for a, b, i, side in comparisons
                )
                if moves[-1][0] <= 0:
                    assert row[f"{what}_logit_yes"] == ""
                    continue
                largest = moves[-1][0]
                change, p, _, at, side = told(row, what)
                assert -abs(at) == max(near for move, near, *_ in moves if move > largest - 1e-9)
                assert any(
                    move > largest - 1e-9 and (offset, strand) == (at, side)
                    and (change, p) == (pytest.approx(b - a, abs=1e-5), pytest.approx(chance(a), rel=1e-4))
                    for move, _, offset, strand, a, b in moves
                )  # fmt: skip

    def test_batches_do_not_matter(self, toy, monkeypatch):
        text = line("p", 21, "A", "C,AC,T") + line("p", 22, "GT", "G") + line("m", 22, "T", "G")
        done, rows, lines = toy(text)
        for name in ("MOST_WINDOWS", "MOST_ROWS", "MOST_LETTERS"):
            monkeypatch.setattr(effects_module, name, 1)
            assert toy(text) == (done, rows, lines)


class TestStrongest:
    def test_by_hand(self):
        """-ln(1 - p) of 12 falls by 2 to that of 10, of 0 by .38 to that of -1, of -7 by less than .001 to that of -30."""
        score = LogOdds(loaded_with(Linear(AG), WIDTH), EffectsSettings(strands="+"))
        odds = np.array([0, -1, 12, 10, -7, -30], dtype=float)
        values = np.stack([odds, 1 / (1 + np.exp(-odds))], axis=1)[:, None, :, None]
        twice = np.array([[0, 0], [2, 2], [4, 4]])
        ((change, p, q, at, side, *gain),) = score.strongest(values, Spread(twice, twice + 1, np.array([-1, 2, 9])))
        assert (change, p, q) == pytest.approx((-2, chance(12), chance(10)))
        assert (at, side, len(gain), np.isnan(gain).all()) == (2, "+", 5, True)
        ((*_, at, _), *_) = [
            told[5:] for told in score.strongest(values, Spread(twice + 1, twice, np.array([-1, 2, 9])))
        ]
        assert at == 2
        lower = np.array([[0, 2], [4, 2]])  # the lower of two: 0 and -7, which do not move
        ((change, *_),) = score.strongest(values, Spread(lower, lower * 0 + [[0], [4]], np.array([0, 1])))
        assert np.isnan(change)

    def test_no_window_that_is_clear_enough(self):
        score = LogOdds(loaded_with(Linear(AG), WIDTH), EffectsSettings(strands="each"))
        none = Spread(*np.zeros((2, 0, 2), dtype=int), np.zeros(0, dtype=int))
        (numbers,) = score.strongest(np.zeros((4, 3, 2, 1)), none)
        assert (len(numbers), np.isnan(numbers).all()) == (10, True)


class TestDefaults:
    @pytest.mark.parametrize("centred", [False, True])
    @pytest.mark.parametrize("averaged", [False, True])
    def test_by_the_run(self, centred, averaged):
        loaded = loaded_with(Linear(AG), WIDTH, centred=centred)
        loaded.settings.training.both_strands = averaged
        meant = LogOdds(loaded, EffectsSettings()).settings
        assert (meant.strands, meant.distance) == ("both" if averaged else "each", BESIDE if centred else 0)
        meant = LogOdds(loaded, EffectsSettings(strands="-", distance=7)).settings
        assert (meant.strands, meant.distance) == ("both" if averaged else "-", 7)

    def test_a_network_that_averages_is_asked_once(self, toy, monkeypatch):
        averaging = loaded_with(Linear(AG), WIDTH)
        averaging.settings.training.both_strands = True
        monkeypatch.setattr(effects_module, "load_reader", lambda run, **_: averaging)
        asked = []
        monkeypatch.setattr(
            scores_module, "predict_logits", lambda loaded, inputs: asked.append(1) or predict_logits(loaded, inputs)
        )
        done, (row,), _ = toy(line("p", 23, "T", "C"))
        assert (len(asked), done["strands"]) == (1, "both")
        assert float(row["logit_ref_yes"]) == 2

    @pytest.mark.parametrize("distance", [-1, 5001])
    def test_distances_that_make_no_sense(self, distance):
        with pytest.raises(InputError, match=f"^distance: expected 0 to 5000 nt, got {distance}$"):
            EffectsSettings(distance=distance)


class TestContigs:
    def test_contigs_that_the_genome_has_not_are_told(self, toy, capsys):
        text = line("p", 21, "A", "C") + line("decoy", 9, "G", "A,<DEL>", "DP=3") + line("hs37d5", 1, "A", ".")
        done, rows, lines = toy(text + line("decoy", 99, "R", "A") + line("p", 22, "G", "C"))
        assert (done["scored"], done["alleles"], done["unscored"]) == (2, 5, {"absent_contig": 3})
        assert done["absent"] == ["decoy", "hs37d5"]
        assert [row["unscored"] for row in rows] == ["", *["absent_contig"] * 3, ""]
        records = [some.split("\t") for some in lines if some[0] != "#"]
        assert records[1][7] == "DP=3;CLASSIFY_UNSCORED=absent_contig,absent_contig"
        assert records[2][7] == "."
        assert f"##contig=<ID=p,length={len(PLUS)}>" in lines
        assert "##contig=<ID=decoy>" in lines
        declared = "\n".join(lines).replace(
            "#CHROM", '##INFO=<ID=DP,Number=1,Type=Integer,Description="depth">\n#CHROM'
        )
        (toy.folder / "read.vcf").write_text(declared + "\n")
        with pysam.VariantFile(str(toy.folder / "read.vcf")) as read:
            first = next(iter(read))
        assert (first.info["CLASSIFY_LOSS_AT"], first.info["CLASSIFY_LOSS_STRAND"]) == ((2,), ("+",))
        (toy.folder / "config.yaml").touch()
        assert commanded(toy.folder, toy.folder) == 0
        said = capsys.readouterr().out.splitlines()
        assert said[1] == f"not scored: 3 on 2 contigs that {toy.folder / 'genome.fa'} has not: 'decoy', 'hs37d5'"

    def test_one_that_is_spelt_otherwise_and_none_that_is_there(self, toy):
        with pytest.raises(InputError, match=r"line 4: names 1 sequences otherwise than .*: 'chrm' here is 'm' there"):
            toy(line("p", 21, "A", "C") + line("chrm", 9, "G", "A"))
        with pytest.raises(InputError, match=r"line 3: no sequence in common with .*: x, y here, p, m there"):
            toy(line("x", 21, "A", "C") + line("y", 9, "G", "A"))

    def test_windows_beyond_the_ends_of_a_contig(self, toy, capsys):
        """Windows of 9: the middle has 4 letters on each side."""
        n = len(PLUS)
        for distance, some, beyond in (
            (0, (5, "T", "C"), 0), (0, (4, "T", "C"), 1), (0, (n - 4, "T", "C"), 0), (0, (n - 3, "T", "C"), 1),
            (7, (12, "T", "C"), 0), (7, (11, "T", "C"), 1), (7, (n - 11, "T", "C"), 0), (7, (n - 10, "T", "C"), 1),
            (7, (n - 11, "TT", "T"), 0), (7, (n - 10, "TT", "T"), 1), (7, (n - 10, "T", "TC"), 1), (7, (n - 11, "T", "TC"), 0),
        ):  # fmt: skip
            done, _, _ = toy(line("p", *some), distance=distance)
            assert done["beyond"] == beyond, (distance, some)
        (toy.folder / "config.yaml").touch()
        assert commanded(toy.folder, toy.folder) == 0
        expected = "note: 1 alleles have windows that reach beyond an end of their contig and are blank there"
        assert capsys.readouterr().out.splitlines()[-1] == expected
