"""Networks of the next base along contigs and at variants: every base against a naive network, the run's own test, seams."""

import csv
import json
import math
from types import SimpleNamespace

import numpy as np
import pysam
import pytest
import torch
from genome_toys import COMPLEMENT
from test_effects import HEAD, by_replacement, line
from torch import nn
from toy import one_line

from classify.__main__ import main
from classify.effects import effects as effects_module
from classify.effects.effects import effects
from classify.effects.settings import EffectsSettings
from classify.evaluation import Loaded, load_run, predict_logits
from classify.hardware import choose
from classify.peaks.places import Intervals
from classify.scanning import bases as bases_module
from classify.scanning import parts as parts_module
from classify.scanning.bases import Bases
from classify.scanning.parts import Contig, contigs_of, parts, scan_blocks
from classify.scanning.seen import seen_in_training
from classify.scanning.settings import STRANDS, ScanSettings
from classify.settings import TrainingSettings
from classify.tasks.language import LanguageSettings, LanguageTask
from specgen.errors import InputError
from specgen.sequences import INDICATORS, encode

WINDOW, CONTEXT = 50, 10

RNG = np.random.default_rng(11)
READ = RNG.normal(size=(4, 4))


def drawn(n):
    return "".join(RNG.choice(list("ACGT"), n))


TEXTS = {"chrA": f"{drawn(70)}NNN{drawn(60)}R{drawn(41)}", "short": drawn(8), "chrB": drawn(61)}


class Fading(nn.Module):
    """Logits of a base: what the letters before it say, each .8 times as loud as the next. So a window's start tells."""

    device = "cpu"

    def scored(self, codes):
        letters = torch.from_numpy(INDICATORS).double()[codes.int()] @ torch.from_numpy(READ)
        state, answers = torch.zeros(len(codes), 4, dtype=torch.float64), []
        for place in range(codes.shape[1]):
            state = 0.8 * state + letters[:, place]
            answers.append(state)
        return torch.stack(answers, dim=2).float()


def shares(letter):
    return {"N": np.full(4, 0.25), "R": np.array([0.5, 0, 0.5, 0]), "Y": np.array([0, 0.5, 0, 0.5])}.get(
        letter, np.array([letter == base for base in "ACGT"], dtype=float)
    )


def bits(before, letter):
    """Naive: bits of a letter behind some others."""
    state = sum((0.8**i * shares(known) @ READ for i, known in enumerate(reversed(before))), np.zeros(4))
    return math.log2(np.exp(state).sum()) - state["ACGT".index(letter)] / math.log(2)


def loaded():
    task = LanguageTask(LanguageSettings(window=WINDOW, context=CONTEXT))
    settings = SimpleNamespace(seed=0, training=SimpleNamespace(both_strands=False))
    return Loaded(settings, task, Fading(), choose(TrainingSettings(threads=1)), 64)


def turned(text):
    return text.translate({**COMPLEMENT, ord("R"): "Y"})[::-1]


def by_hand(text, regions=None, context=CONTEXT):
    """Bits of each base of a strand, window after window as tests lay them over a block; -1 where there are none."""
    told = np.full(len(text), -1.0)
    for low, high in regions or [(0, len(text))]:
        start = max(0, low - context)
        while start + context < high:
            for place in range(start + context, min(start + WINDOW, high)):
                if text[place] in "ACGT":
                    told[place] = bits(text[start:place], text[place])
            start += WINDOW - context
    return told


def on_strands(text, regions=None, **options):
    mirrored = None if regions is None else [(len(text) - high, len(text) - low) for low, high in regions]
    plus, minus = by_hand(text, regions, **options), by_hand(turned(text), mirrored, **options)[::-1]
    return {1: plus, -1: minus, 0: np.where((plus >= 0) & (minus >= 0), (plus + minus) / 2, -1)}


@pytest.fixture
def genome(tmp_path):
    path = tmp_path / "genome.fa"
    path.write_text("".join(f">{name}\n{text}\n" for name, text in TEXTS.items()))
    return str(path)


def scanned(genome, folder, regions=None, **settings):
    """Values of every place of each contig and strand, from the blocks."""
    asked = Bases.of(loaded(), ScanSettings(**settings), "run")
    contigs = contigs_of(genome)
    scan_blocks(asked, genome, contigs, regions, folder, {}, progress=False)
    found = {}
    for strand in STRANDS[asked.settings.strands]:
        values = {contig.name: np.full(contig.length, -1.0) for contig in contigs}
        for part in parts(folder, contigs, 1, strand, 0):
            here = np.full(part.contig.length, -1.0)
            for low, high, value in zip(part.starts, part.ends, part.values, strict=True):
                here[low:high] = value
            assert not len(part.peaks)
            assert part.scored == (here >= 0).sum()
            assert part.total == pytest.approx(here[here >= 0].sum(), abs=1e-4 * len(here))
            values[part.contig.name] = np.maximum(values[part.contig.name], here)
        found[strand] = values
    return found


class TestTracks:
    @pytest.mark.parametrize(("block", "letters"), [(1 << 20, 1 << 18), (37, 120)])
    @pytest.mark.parametrize("strands", ["", "both", "mean"])
    def test_every_base_without_seams(self, genome, tmp_path, monkeypatch, block, letters, strands):
        monkeypatch.setattr(parts_module, "BLOCK", block)
        monkeypatch.setattr(bases_module, "LETTERS", letters)
        found = scanned(genome, tmp_path / "parts", strands=strands)
        assert list(found) == ([1] if not strands else list(STRANDS[strands]))
        for strand, values in found.items():
            for name, text in TEXTS.items():
                assert np.allclose(values[name], on_strands(text)[strand], atol=1e-4)

    def test_what_has_no_value(self, genome, tmp_path):
        """The first of a strand, and letters that are no base; those behind them have one."""
        found = scanned(genome, tmp_path / "parts", strands="both")
        plus, minus = (np.flatnonzero(found[strand]["chrA"] < 0).tolist() for strand in (1, -1))
        assert plus == [*range(CONTEXT), 70, 71, 72, 133]
        assert minus == [70, 71, 72, 133, *range(len(TEXTS["chrA"]) - CONTEXT, len(TEXTS["chrA"]))]
        assert (found[1]["short"] == -1).all()

    @pytest.mark.parametrize("block", [1 << 20, 37])
    def test_regions_are_read_as_blocks_of_a_test(self, genome, tmp_path, monkeypatch, block):
        monkeypatch.setattr(parts_module, "BLOCK", block)
        spans = {"chrA": [(4, 20), (33, 120), (121, 122), (150, 175)], "chrB": [(58, 61)]}
        regions = {name: Intervals(*np.array(some).T) for name, some in spans.items()}
        found = scanned(genome, tmp_path / "parts", regions, strands="both")
        for strand, values in found.items():
            for name, text in TEXTS.items():
                expected = on_strands(text, spans[name])[strand] if name in spans else np.full(len(text), -1.0)
                assert np.allclose(values[name], expected, atol=1e-4)
        assert (found[1]["chrA"][33:43] > 0).all()  # what stands before the region is read

    def test_a_stopped_scan_goes_on(self, genome, tmp_path, monkeypatch):
        monkeypatch.setattr(parts_module, "BLOCK", 37)
        folder = tmp_path / "parts"
        scanned(genome, folder, strands="mean")
        before = {path.name: path.read_bytes() for path in folder.iterdir()}
        (folder / "0_37.npz").unlink()
        scanned(genome, folder, strands="mean")
        assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
        assert len(before) == 9  # of five, one and two blocks, and what they were made from

    def test_more_context(self, genome, tmp_path):
        found = scanned(genome, tmp_path / "parts", context=WINDOW - 1)[1]["chrA"]
        text = TEXTS["chrA"]
        expected = [bits(text[i - 49 : i], text[i]) if i >= 49 and text[i] in "ACGT" else -1 for i in range(len(text))]
        assert np.allclose(found, expected, atol=1e-4)

    @pytest.mark.parametrize(
        ("change", "match"),
        [
            ({"behind": "AG"}, "behind: says nothing of RUN, a run of the next base"),
            ({"step": 5}, "step: says nothing"),
            ({"labels": ["x"]}, "labels: says nothing"),
            ({"threshold": 0.9}, "threshold: says nothing"),
            ({"max_ambiguous": 0.5}, "max_ambiguous: says nothing"),
            ({"context": 50}, "context: expected at most 49 nt, one less than the windows of RUN, got 50"),
        ],
    )
    def test_settings_that_say_nothing(self, change, match):
        with pytest.raises(InputError, match=match):
            Bases.of(loaded(), ScanSettings(**change), "RUN")


def likelihood(window):
    """Naive: log2 of the probabilities of the window's letters behind the first."""
    return -sum(bits(window[:i].lstrip("="), window[i]) for i in range(1, WINDOW) if window[i] in "ACGT")


@pytest.fixture
def variants(tmp_path, monkeypatch, genome):
    """Scores lines of a VCF: counts, rows of the table."""
    monkeypatch.setattr(effects_module, "load_reader", lambda run, **_: loaded())

    def score(text, **options):
        (tmp_path / "in.vcf").write_text(HEAD + text)
        settings = EffectsSettings(**options)
        done = effects(tmp_path, str(tmp_path / "in.vcf"), genome, str(tmp_path / "out"), settings, progress=False)
        with (tmp_path / "out.tsv").open(newline="") as file:
            return done, list(csv.DictReader(file, delimiter="\t"))

    return score


class TestEffects:
    @pytest.mark.parametrize("strands", ["", "both", "+", "-"])
    def test_against_naive_likelihoods(self, variants, strands):
        """An SNV, an MNV, insertions, deletions, and N in the window; windows of one length around each allele."""
        (one, two), other = (TEXTS[name] for name in ("chrA", "chrB")), str.maketrans("ACGT", "CGTA")
        asked = [
            ("chrA", 30, one[30], one[30].translate(other)), ("chrA", 33, one[33:36], one[33:36].translate(other)),
            ("chrA", 60, one[60], one[60].translate(other)), ("chrA", 41, one[41], f"{one[41]}GATTACA"),
            ("chrB", 27, two[27:32], two[27]), ("chrB", 30, two[30:33], f"{two[30]}CCCCC"),
        ]  # fmt: skip
        lines = "".join(line(contig, start + 1, ref, alt) for contig, start, ref, alt in asked)
        done, rows = variants(lines, strands=strands)
        assert done["scored"] == len(asked)
        for (contig, start, ref, alt), row in zip(asked, rows, strict=True):
            pair = by_replacement(TEXTS[contig], start, ref, alt, WINDOW)
            read = {"": [pair], "+": [pair], "-": [tuple(map(turned, pair))], "both": [pair, tuple(map(turned, pair))]}[
                strands
            ]
            before, after = np.mean([[likelihood(window) for window in some] for some in read], axis=0)
            assert float(row["log2_likelihood_ref"]) == pytest.approx(before, abs=1e-3)
            assert float(row["delta_log2_likelihood"]) == pytest.approx(after - before, abs=1e-3)

    def test_strands_apart(self, variants):
        text = line("chrA", 31, TEXTS["chrA"][30], "ACGT".replace(TEXTS["chrA"][30], "")[0])
        (row,) = variants(text, strands="each")[1]
        for side, strand in (("plus", "+"), ("minus", "-")):
            (alone,) = variants(text, strands=strand)[1]
            for name in ("delta_log2_likelihood", "log2_likelihood_ref"):
                assert row[f"{name}_{side}"] == alone[name]
        (mean,) = variants(text, strands="both")[1]
        assert row["delta_log2_likelihood"] == mean["delta_log2_likelihood"]

    def test_no_windows_beside_a_variant(self, variants):
        with pytest.raises(
            InputError, match=r"distance: a run of the next base tells of whole windows; expected none, got 50"
        ):
            variants("", distance=50)

    def test_by_hand_without_context(self, variants, monkeypatch):
        """Of letters that are drawn each by itself, an SNV exchanges one probability: 1/2 for 1/8, on the other 1/8 for 1/4."""

        class Alone(nn.Module):
            def scored(self, codes):
                return torch.tensor([8.0, 2, 4, 2]).log()[None, :, None].expand(len(codes), 4, codes.shape[1])

        monkeypatch.setattr(effects_module, "load_reader", lambda run, **_: loaded()._replace(module=Alone()))
        at = TEXTS["chrA"].index("C", 30)
        for strands, delta in (("+", 2), ("-", -1), ("both", 0.5)):
            _, (row,) = variants(line("chrA", at + 1, "C", "A"), strands=strands)
            assert float(row["delta_log2_likelihood"]) == pytest.approx(delta, abs=1e-6)

    def test_windows_of_unequal_many_bases_are_not_compared(self, variants):
        """An insertion at a contig's end leaves one blank less, a deletion lets N into the window. SNVs are compared there."""
        end = len(TEXTS["chrB"])
        last = TEXTS["chrB"][-1]
        other = "A" if last != "A" else "C"
        text = line("chrB", end, last, f"{last}A,{other}") + line("chrA", 41, TEXTS["chrA"][40:48], TEXTS["chrA"][40])
        done, rows = variants(text)
        assert done["unscored"] == {"unequal_windows": 2}
        assert [row["unscored"] for row in rows] == ["unequal_windows", "", "unequal_windows"]
        assert math.isfinite(float(rows[1]["delta_log2_likelihood"]))

    def test_fields_of_the_vcf(self, variants, tmp_path):
        _, (row,) = variants(line("chrA", 31, TEXTS["chrA"][30], "ACGT".replace(TEXTS["chrA"][30], "")[0], "DP=7"))
        columns = ["contig", "position", "id", "ref", "alt", "allele", "unscored"]
        assert list(row) == [*columns, "delta_log2_likelihood", "log2_likelihood_ref"]
        with pysam.VariantFile(str(tmp_path / "out.vcf")) as read:
            assert "log2 likelihood" in read.header.info["CLASSIFY_DELTA"].description
            (record,) = read
        for field, column in (("DELTA", "delta_log2_likelihood"), ("LREF", "log2_likelihood_ref")):
            assert record.info[f"CLASSIFY_{field}"] == (pytest.approx(float(row[column]), rel=1e-5),)
        assert not [name for name in record.info if name.startswith("CLASSIFY_P")]

    def test_classes_say_nothing(self, variants):
        with pytest.raises(
            InputError, match="classes: a run of the next base tells of whole windows; expected none, got x"
        ):
            variants("", classes=["x"])


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run on a genome of two contigs, in a file of which N is a part, too; and the file."""
    folder = tmp_path_factory.mktemp("run")
    rng = np.random.default_rng(0)
    one, two = ("".join(rng.choice(list("ACGT"), n, p=[0.4, 0.3, 0.2, 0.1])) for n in (9_000, 5_000))
    (folder / "g.fa").write_text(f">chr1\n{one[:8_700]}NNNNNNNNN{one[8_709:]}\n>two\n{two}\n")
    options = ["--data.genomes", json.dumps([str(folder / "g.fa")]), "--data.gap", "50", "--data.window", str(WINDOW)]
    options += ["--training.threads", "1", "--training.progress", "false", "--training.precision", "32-true"]
    options += ["--training.epochs", "1", "--optimiser.lr", "0.02", "--training.monitor", "val_loss"]
    options += ["--model", "gru_lm", "--model_options", '{"width": 8, "layers": 1}', "--data.every", "5"]
    assert main(["train", "--task", "language", *options, "--runs", str(folder)]) == 0
    return folder / "language" / "gru_lm" / "default", folder / "g.fa"


def test_the_mean_over_the_test_blocks_is_the_bits_of_the_test(run, tmp_path, capsys):
    folder, genome = run
    with (folder / "split.csv").open(newline="") as file, (tmp_path / "test.bed").open("w") as bed:
        for row in csv.DictReader(file):
            if row["split"] == "test":
                contig, _, place = row["id"].rpartition(":")
                low, high = map(int, place[:-1].split("-"))
                bed.write(f"{contig}\t{low - 1 + CONTEXT}\t{high}\n")
    capsys.readouterr()
    command = [
        "scan",
        "--run",
        str(folder),
        "--genome",
        str(genome),
        "--out",
        str(tmp_path / "s"),
        "--progress",
        "false",
    ]
    assert main([*command, "--regions", str(tmp_path / "test.bed")]) == 0
    metrics = json.loads((folder / "metrics.json").read_text())
    expected = metrics["metrics"]["bits_per_base"]["value"]
    said = capsys.readouterr().out
    assert f"s.plus.bedGraph: strand +, {metrics['bases']:,} bases, {expected:.4f} bits a base" in said
    assert "trained on" not in said  # none of it was
    told = json.loads((tmp_path / "s.json").read_text())
    assert told["bits"]["+"]["bases"] == metrics["bases"]
    assert told["bits"]["+"]["bits_per_base"] == pytest.approx(expected, abs=1e-6)
    assert told["bits"]["+"]["perplexity"] == pytest.approx(metrics["metrics"]["perplexity"]["value"], abs=1e-6)
    rows = [row.split("\t") for row in (tmp_path / "s.plus.bedGraph").read_text().splitlines()]
    sizes = np.array([int(high) - int(low) for _, low, high, _ in rows])
    values = np.array([float(value) for *_, value in rows])
    assert sizes.sum() == metrics["bases"]
    assert (sizes @ values) / sizes.sum() == pytest.approx(expected, abs=1e-4)
    assert sorted(path.name for path in tmp_path.glob("s.*")) == ["s.json", "s.plus.bedGraph", "s.plus.bw"]
    big = pytest.importorskip("pyBigWig")
    with big.open(str(tmp_path / "s.plus.bw")) as track:
        for contig, low, high, value in rows[:: len(rows) // 50]:
            assert track.values(contig, int(low), int(high)) == pytest.approx([float(value)] * (int(high) - int(low)))


def test_a_scan_and_variants_of_a_trained_run(run, tmp_path, capsys):
    """The command's answers from the network's own logits, on the mean of both strands."""
    folder, genome = run
    text = genome.read_text().split(">")[2].split("\n")[1]
    out = tmp_path / "s"
    command = ["scan", "--run", str(folder), "--genome", str(genome), "--out", str(out), "--progress", "false"]
    assert main([*command, "--contigs", '["two"]', "--strands", "mean"]) == 0
    assert "s.bedGraph: mean of both strands, 4,980 bases" in (said := capsys.readouterr().out)
    assert "note: the run was trained on two; figures on them flatter" in said
    network = load_run(folder, answers="position")

    def logs(window):
        logits = predict_logits(network, torch.from_numpy(encode(window))[None]).astype(float)[0]
        return (logits - np.log(np.exp(logits).sum(0))) / math.log(2)

    def of_base(strand, place):
        start = (place - CONTEXT) // (WINDOW - CONTEXT) * (WINDOW - CONTEXT)
        return -logs(strand[start : place + 1])["ACGT".index(strand[place]), place - start - 1]

    track = {int(row[1]): float(row[3]) for row in map(str.split, (tmp_path / "s.bedGraph").open())}
    for place in (10, 49, 50, 2_345, 4_989):
        expected = (of_base(text, place) + of_base(turned(text), 4_999 - place)) / 2
        known = max(low for low in track if low <= place)  # equal neighbours are one line
        assert track[known] == pytest.approx(expected, abs=1e-4)
    ref = text[2000]
    (tmp_path / "in.vcf").write_text(HEAD + line("two", 2001, ref, f"{ref}GG"))
    command = ["effects", "--run", str(folder), "--vcf", str(tmp_path / "in.vcf"), "--genome", str(genome)]
    assert main([*command, "--out", str(tmp_path / "e"), "--progress", "false", "--strands", "both"]) == 0
    with (tmp_path / "e.tsv").open(newline="") as file:
        (row,) = csv.DictReader(file, delimiter="\t")
    sums = [
        sum(logs(some)["ACGT".index(letter), i] for some in (window, turned(window)) for i, letter in enumerate(some[1:])) / 2
        for window in by_replacement(text, 2000, ref, f"{ref}GG", WINDOW)
    ]  # fmt: skip
    assert float(row["delta_log2_likelihood"]) == pytest.approx(sums[1] - sums[0], abs=1e-3)


def test_a_contig_without_a_base_that_has_bits(run, tmp_path, capsys):
    (tmp_path / "g.fa").write_text(">short\nACGTACGT\n")
    out = tmp_path / "s"
    command = [
        "scan",
        "--run",
        str(run[0]),
        "--genome",
        str(tmp_path / "g.fa"),
        "--out",
        str(out),
        "--progress",
        "false",
    ]
    assert main(command) == 0
    said = capsys.readouterr().out.splitlines()
    assert said == [
        f"{out}.plus.bedGraph: strand +, 0 bases",
        f"note: no base has a value, so there is no {out}.plus.bw",
    ]
    told = json.loads((tmp_path / "s.json").read_text())["bits"]["+"]
    assert told == {"bases": 0, "bits_per_base": None, "perplexity": None}
    assert (tmp_path / "s.plus.bedGraph").read_text() == ""


def test_what_does_not_fit_is_one_line(run, base, tmp_path, capsys):
    folder, genome = run
    (tmp_path / "a.gtf").touch()
    before = set(tmp_path.iterdir())
    for of, options, match in (
        (folder, ["--threshold", "0.7"], "threshold: says nothing of"),
        (folder, ["--annotation", str(tmp_path / "a.gtf")], "a.gtf: exon starts are compared with calls, and"),
        (folder, ["--context", "-1"], "context: expected 0 nt or more, got -1"),
        (base, ["--context", "20"], "context: is of runs of the next base"),
    ):
        command = [
            "scan",
            "--run",
            str(of),
            "--genome",
            str(genome),
            "--out",
            str(tmp_path / "s"),
            "--progress",
            "false",
        ]
        assert main([*command, *options]) == 2
        one_line(capsys, match)
    assert set(tmp_path.iterdir()) == before


def test_places_of_training_in_regions(tmp_path):
    rows = ["2/chr1:101-200+,g,2/chr1,x,train", "2/chr1:301-400+,g,2/chr1,x,test", "1/other:1-100-,g,1/other,x,val"]
    rows += ["gene:1-50,g,7,x,train"]  # a place within a gene, which lies on chromosome 7
    (tmp_path / "split.csv").write_text("\n".join(["id,group,chromosome,label,split", *rows]) + "\n")
    contigs = [Contig(0, "chr1", 1000), Contig(1, "other", 500), Contig(2, "new", 500), Contig(3, "chr7", 500)]
    assert seen_in_training(tmp_path, contigs, None, 100) == ["chr1", "other", "chr7"]
    contigs.pop()
    for span, seen in (((200, 300), []), ((199, 300), ["chr1"]), ((0, 101), ["chr1"])):
        regions = {"chr1": Intervals(*np.array([span]).T)}
        assert seen_in_training(tmp_path, contigs, regions, 100) == seen
