"""The next base as a task: which bases are asked for and once, losses against naive sums, and whole runs."""

import csv
import json
import math

import numpy as np
import pytest
import torch

from classify.__main__ import main
from classify.augment import ReverseComplement
from classify.evaluation import run_settings
from classify.language.blocks import Contig
from classify.language.letters import GenomeLetters
from classify.language.sampling import draw_sequences
from classify.language.scoring import perplexity_summary
from classify.language.settings import MadeUpSettings
from classify.model_card import model_card
from classify.reporting.answered import KINDS_OF_RUNS
from classify.reporting.finished import read_finished
from classify.tasks.language import LanguageSettings, LanguageTask
from specgen.errors import InputError
from specgen.sequences import decode, encode, reverse_complement

pytestmark = pytest.mark.usefixtures("unrendered")


def task(length=40_000, kind="random", gap=100, **settings):
    return LanguageTask(LanguageSettings(simulate=MadeUpSettings(kind=kind, length=length), gap=gap, **settings))


def test_windows_are_the_letters_that_their_ids_name():
    made = task()
    examples, letters = made.load(), made._contigs[0].codes
    for name, codes in zip(examples.ids, examples.sequences, strict=True):
        low, high = map(int, name.partition(":")[2][:-1].split("-"))
        there = letters[low - 1 : high]
        np.testing.assert_array_equal(codes, there if name.endswith("+") else reverse_complement(there))
    assert len(set(examples.ids)) == len(examples)


def test_both_strands_of_training_and_one_of_the_rest():
    examples, single = task().load(), task(both_strands=False).load()
    strands = {split: [name[-1] for name in examples.part(split).ids] for split in ("train", "val", "test")}
    assert strands["train"].count("+") == strands["train"].count("-") == len(single.part("train"))
    assert set(strands["val"]) == set(strands["test"]) == {"+"}


@pytest.mark.parametrize(("leak", "strands"), [("other_strand", "-"), ("all", "+-")])
def test_a_leak_adds_held_out_blocks_to_training_and_changes_nothing_else(leak, strands):
    clean, leaky = task().load(), task(leak=leak).load()
    assert leaky.counts["leak"] == f"{leak}: held-out letters were learnt from, these are no results"
    assert "leak" not in clean.counts
    for split in ("val", "test"):
        assert leaky.part(split).ids == clean.part(split).ids
    more = set(leaky.part("train").ids) - set(clean.part("train").ids)
    assert set(clean.part("train").ids) <= set(leaky.part("train").ids)
    assert {name[-1] for name in more} == set(strands)
    blocks = [block for block in task()._blocks if block.split != "train"]
    starts = {int(name.partition(":")[2].partition("-")[0]) - 1 for name in more}
    assert starts == {low for b in blocks for low in range(b.start, b.end - 99, 100)}
    assert len(leaky.part("train")) == len(clean.part("train")) + len(strands) * len(starts)


@pytest.mark.parametrize("window", [50, 97, 1000])
def test_every_base_with_its_context_is_asked_for_once(window):
    made = task(context=10, window=window)
    examples = made.load()
    for split in ("val", "test"):
        part = examples.part(split)
        asked = np.zeros(40_000, dtype=int)
        codes = torch.from_numpy(np.stack(list(part.sequences)))
        truth = made.truth(codes, torch.zeros(len(part)), training=False)
        for name, row in zip(part.ids, truth.numpy(), strict=True):
            low = int(name.partition(":")[2].partition("-")[0]) - 1
            asked[low + 1 : low + window + 1][row >= 0] += 1  # place t asks for the letter behind it
        for block in (b for b in made._blocks if b.split == split):
            n = int(asked[block.start : block.end].sum())
            assert set(asked[block.start + 10 : block.start + 10 + n].tolist()) == {1}
            assert len(block) - 10 - n < window - 10  # what is left is shorter than a window's share
            asked[block.start : block.end] = 0
        assert not asked.any()


def test_truth_is_the_letter_behind():
    codes = torch.from_numpy(encode("ACGTNRUA" + "A" * 42))[None]
    made = task(window=50, context=3)
    assert made.truth(codes, torch.zeros(1), training=True)[0, :8].tolist() == [1, 2, 3, -1, -1, 3, 0, 0]
    assert made.truth(codes, torch.zeros(1), training=False)[0, :8].tolist() == [-1, -1, 3, -1, -1, 3, 0, 0]
    assert made.truth(codes, torch.zeros(1), training=True)[0, -1] == -1


def test_a_turned_batch_asks_for_the_turned_letters():
    made = task(window=50)
    codes = torch.from_numpy(np.stack(list(made.load().sequences))[:4])
    turned = ReverseComplement(1.0, 0)(codes, 0, torch.arange(4))
    own = reverse_complement(codes.numpy())
    np.testing.assert_array_equal(turned.numpy(), own)
    expected = made.truth(torch.from_numpy(own.copy()), torch.zeros(4), training=True)
    assert torch.equal(made.truth(turned, torch.zeros(4), training=True), expected)


def test_scores_are_naive_sums():
    made = task(window=50, context=7)
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(3, 4, 50, generator=generator)
    codes = torch.from_numpy(np.random.default_rng(0).choice([1, 2, 4, 8, 15], size=(3, 50)).astype(np.uint8))
    chances = logits.double().softmax(1)
    nats, right, bases = np.zeros(3), np.zeros(3), np.zeros(3)
    for row in range(3):
        for place in range(7, 50):
            if int(codes[row, place]) == 15:
                continue
            base = [1, 2, 4, 8].index(int(codes[row, place]))
            nats[row] -= math.log(chances[row, base, place - 1])
            right[row] += int(logits[row, :, place - 1].argmax()) == base
            bases[row] += 1
    truth = made.truth(codes, torch.zeros(3), training=False)
    np.testing.assert_allclose(made.kept(logits, truth).numpy(), np.stack([nats, right, bases], 1), rtol=1e-6)
    np.testing.assert_allclose(made.right(logits, truth).numpy(), right / bases)
    assert float(made.loss(logits, truth)) == pytest.approx(nats.sum() / bases.sum())
    found = made.validation(np.zeros(3), made.kept(logits, truth).numpy())
    assert found["loss"] == pytest.approx(nats.sum() / bases.sum())
    blank = torch.full((2, 50), 15, dtype=torch.uint8)
    assert float(made.loss(logits[:2], made.truth(blank, torch.zeros(2), training=True))) == 0


def test_store_reads_crops_of_turned_rows():
    letters = encode("AACCGTTACGGATTACA")
    store = GenomeLetters(
        [Contig("x", 0, encode("GGG")), Contig("y", 0, letters)],
        np.array([1, 1]), np.array([2, 2]), np.array([False, True]), 9,
    )  # fmt: skip
    whole = letters[2:11]
    for start in range(5):
        rows, starts = np.array([0, 1]), np.full(2, start)
        plain, turned = store.gather(rows, starts, 5)
        assert decode(plain) == decode(whole[start : start + 5])
        assert decode(turned) == decode(reverse_complement(whole)[start : start + 5])


def test_intervals_are_of_whole_stretches():
    rng = np.random.default_rng(0)
    sums = np.column_stack([rng.gamma(50, 2.5, 200), rng.integers(20, 40, 200), np.full(200, 90)])
    wide = perplexity_summary(sums, [str(i // 20) for i in range(200)], 0)
    assert wide["metrics"]["perplexity"]["value"] == pytest.approx(math.exp(sums[:, 0].sum() / (200 * 90)))
    assert wide["metrics"]["bits_per_base"]["low"] < wide["metrics"]["bits_per_base"]["value"]
    assert (wide["n"], wide["groups"], wide["bases"]) == (200, 10, 18_000)
    # Naive: draw stretches by hand, with the standard error of their mean.
    means = sums[:, 0].reshape(10, 20).sum(1) / (20 * 90 * math.log(2))
    error = means.std() / math.sqrt(10)
    width = wide["metrics"]["bits_per_base"]["high"] - wide["metrics"]["bits_per_base"]["low"]
    assert width == pytest.approx(2 * 1.96 * error, rel=0.2)
    one = perplexity_summary(sums, ["a"] * 200, 0)
    assert one["metrics"]["perplexity"]["low"] is None


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"window": 49}, "50 to 1000"),
        ({"window": 1001}, "50 to 1000"),
        ({"context": 100}, "1 to 99"),
        ({"context": 0}, "1 to 99"),
    ],
)
def test_wrong_settings(settings, match):
    with pytest.raises(InputError, match=match):
        LanguageSettings(**settings)


def test_too_short_for_a_window():
    with pytest.raises(InputError, match=r"no block of .* is as long as a window of 1000 nt"):
        task(length=4000, window=1000).load()


COMMON = [
    "--task", "language", "--training.monitor", "val_loss", "--training.threads", "1", "--training.progress", "false",
    "--training.precision", "32-true", "--optimiser.weight_decay", "0", "--data.gap", "50", "--data.window", "50",
]  # fmt: skip
TINY = ["--data.simulate.length", "20000", "--training.batch_size", "16", "--optimiser.lr", "0.02"]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    runs = tmp_path_factory.mktemp("runs")
    options = ["--model", "gru_lm", "--model_options", '{"width": 24, "layers": 1}', "--training.epochs", "8"]
    assert main(["train", *COMMON, *TINY, *options, "--runs", str(runs)]) == 0
    return runs / "language" / "gru_lm" / "default"


def test_a_repeated_unit_is_learnt_by_heart(run):
    body = json.loads((run / "metrics.json").read_text())
    assert 1 <= body["metrics"]["perplexity"]["value"] < 1.01
    assert body["metrics"]["accuracy"]["value"] == 1
    assert {"plain", "interpolated", "mixed"} == {name.split()[0] for name in body["bounds"]}
    for known in body["bounds"].values():
        assert 1 <= known["perplexity"] < 1.01


def test_predictions_sum_up_to_the_metrics(run):
    body = json.loads((run / "metrics.json").read_text())
    with (run / "predictions.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    bases = np.array([int(row["bases"]) for row in rows])
    bits = np.array([float(row["bits_per_base"]) for row in rows])
    assert len(rows) == body["n"]
    assert bases.sum() == body["bases"]
    assert (bits @ bases) / bases.sum() == pytest.approx(body["metrics"]["bits_per_base"]["value"], rel=1e-4)
    page = (run / "report.html").read_text()
    assert "Perplexity" in page
    assert "Markov chain of order" in page
    assert "Confusion" not in page


def test_the_card_names_the_bases_and_not_the_genomes(run):
    card = model_card(run, LanguageTask(run_settings(run).data))
    assert "gives probabilities of the next base behind every letter: A, C, G, T." in card


def test_a_comparison_finds_the_same_in_its_predictions(run):
    told = json.loads((run / "metrics.json").read_text())["metrics"]
    found = read_finished(run, KINDS_OF_RUNS)
    everything = np.ones(len(found.groups), dtype=bool)
    assert found.drawn(everything, 1, 0)[0] == {
        name: pytest.approx(entry["value"], rel=1e-4) for name, entry in told.items()
    }


def test_evaluating_again_gives_the_same(run):
    before = (run / "predictions.csv").read_bytes()
    assert main(["evaluate", "--run", str(run)]) == 0
    assert (run / "predictions.csv").read_bytes() == before


def test_sampling_a_repeated_unit_repeats_it(run, tmp_path, capsys):
    unit = decode(task(kind="repeat")._contigs[0].codes[:20])
    out = tmp_path / "drawn.fa"
    options = ["--start", unit, "--sequences", "2", "--length", "100", "--temperature", "0.5", "--progress", "false"]
    assert main(["sample", "--run", str(run), "--out", str(out), *options]) == 0
    assert "2 sequences of 100 nt" in capsys.readouterr().out
    records = out.read_text(encoding="utf-8").split(">")[1:]
    drawn = ["".join(record.splitlines()[1:]) for record in records]
    assert [len(letters) for letters in drawn] == [100, 100]
    expected = decode(task(kind="repeat")._contigs[0].codes[:100])
    assert np.mean([a == b for letters in drawn for a, b in zip(letters, expected, strict=True)]) > 0.9
    assert main(["sample", "--run", str(run), "--out", "-", *options]) == 0
    assert capsys.readouterr().out == out.read_text(encoding="utf-8")  # one seed, one result


def test_draws_follow_the_chances():
    chances = torch.tensor([0.1, 0.2, 0.3, 0.4])

    def logits_of(codes):
        return chances.log()[None, :, None].expand(len(codes), 4, codes.shape[1])

    drawn = draw_sequences(logits_of, encode("ACG"), n=200, length=103, window=50, seed=3)
    assert (drawn[:, :3] == encode("ACG")).all()
    shares = [(drawn[:, 3:] == base).mean() for base in encode("ACGT")]
    assert shares == pytest.approx(chances.tolist(), abs=0.02)  # four standard errors of 20,000 draws are .014
    cold = draw_sequences(logits_of, encode(""), n=50, length=60, window=50, temperature=0.02)
    assert (cold[:, 1:] == encode("T")).all()


def test_a_letter_is_drawn_from_the_window_before_it():
    seen = []

    def logits_of(codes):
        seen.append(codes.clone())
        return torch.zeros(len(codes), 4, codes.shape[1])

    drawn = draw_sequences(logits_of, encode("A"), n=1, length=9, window=4)
    for place, codes in enumerate(seen, 1):
        assert codes.numpy().tolist() == drawn[:, max(0, place - 4) : place].tolist()


@pytest.mark.parametrize(
    ("options", "match"),
    [
        (["--length", "0"], "expected at least 1 of each, got 1 and 0"),
        (["--temperature", "0"], "temperature: expected above 0, got 0"),
        (["--start", "ACGTAC", "--length", "5"], "start: has 6 letters"),
        (["--start", "AXG"], "--start: letter 'X' at position 2"),
        (["--run", "nowhere"], "nowhere: is no run folder"),
    ],
)
def test_sampling_mistakes(run, tmp_path, capsys, options, match):
    out = tmp_path / "drawn.fa"
    assert main(["sample", "--run", str(run), "--out", str(out), *options]) == 2
    error = capsys.readouterr().err
    assert match in error
    assert error.count("\n") == 1
    assert not out.exists()


def test_random_letters_cannot_be_learnt(tmp_path):
    options = ["--model", "dilated_lm", "--model_options", '{"width": 8, "blocks": 3}', "--training.epochs", "1"]
    given = ["--data.simulate.kind", "random", "--data.simulate.length", "40000"]
    assert main(["train", *COMMON, *given, *options, "--runs", str(tmp_path)]) == 0
    body = json.loads((tmp_path / "language" / "dilated_lm" / "default" / "metrics.json").read_text())
    assert 3.95 < body["metrics"]["perplexity"]["value"] < 4.05


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        (["train", *COMMON, *TINY, "--model", "dilated_cnn"], "answers for each window, task 'language' asks for each position"),
        (["train", "--task", "motifs", "--model", "gru_lm", "--data.simulate.n", "50"], "answers for each position"),
        (["train", *COMMON, *TINY, "--model", "gru_lm", "--training.monitor", "val_auroc"], "val_loss"),
        (["baselines", *COMMON, *TINY], "classify markov"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_one_line(arguments, match, tmp_path, capsys):
    assert main([*arguments, "--runs", str(tmp_path)]) == 2
    said = capsys.readouterr().err.strip()
    assert match in said
    assert len(said.splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_other_verbs_say_that_they_need_windows(run, tmp_path, capsys):
    (tmp_path / "a.fa").write_text(">a\n" + "ACGT" * 50 + "\n")
    command = ["predict", "--run", str(run), "--input", str(tmp_path / "a.fa"), "--out", str(tmp_path / "out.csv")]
    assert main(command) == 2
    assert "answers for each position; expected" in capsys.readouterr().err
