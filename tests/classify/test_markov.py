"""Words and chains against naive counting, blocks and gaps letter by letter, and what real genomes give."""

import dataclasses
import math
from collections import Counter, defaultdict

import numpy as np
import pytest

from classify.__main__ import main
from classify.language import markov
from classify.language.baseline import markov_scores, mixed_score
from classify.language.blocks import Contig, blocks_of, made_up, read_contigs, split_of_block
from classify.language.markov import bits, choose, count_words, of_order, other_strand, probabilities
from classify.language.settings import GenomeSettings, MadeUpSettings
from specgen.errors import InputError, UnknownName
from specgen.sequences import BASES, decode, encode, reverse_complement


def letters(n, seed=0, alphabet="ACGT", chances=None):
    return "".join(np.random.default_rng(seed).choice(list(alphabet), size=n, p=chances))


def naive_counts(text, order):
    words = (text[i : i + order + 1] for i in range(len(text) - order))
    return Counter(word for word in words if set(word) <= set(BASES))


def as_words(counts):
    return {"".join(BASES[i] for i in place): int(counts[place]) for place in zip(*np.nonzero(counts), strict=True)}


@pytest.mark.parametrize("order", [0, 1, 3])
@pytest.mark.parametrize("piece", [7, 1 << 20])
def test_counts_are_those_of_a_naive_count(order, piece, monkeypatch):
    monkeypatch.setattr(markov, "PIECE", piece)
    text = letters(300, alphabet="ACGTN", chances=[0.3, 0.2, 0.2, 0.25, 0.05])
    assert as_words(count_words(encode(text), order)) == naive_counts(text, order)


def test_too_few_letters_make_no_word():
    assert count_words(encode("ACG"), 3).sum() == 0
    assert count_words(encode(""), 0).sum() == 0
    with pytest.raises(InputError, match="expected 0 to 12, got 13"):
        count_words(encode("ACG"), 13)


def test_the_other_strand_is_that_of_the_letters_turned():
    codes = encode(letters(200, 1, chances=[0.4, 0.1, 0.2, 0.3]))
    for order in (0, 2, 3):
        turned = other_strand(count_words(codes, order))
        np.testing.assert_array_equal(turned, count_words(reverse_complement(codes), order))


def test_shorter_words_are_sums_over_the_first_letters():
    text = letters(400, 2)
    shorter = of_order(count_words(encode(text), 4), 2)
    assert as_words(shorter) == naive_counts(text[2:], 2)


def naive_bits(train, test, order, weight, interpolated):
    """Bits by a walk over the test letters."""
    tables = [defaultdict(Counter) for _ in range(order + 1)]
    for i in range(order, len(train)):
        for k in range(order + 1):
            tables[k][train[i - k : i]][train[i]] += 1
    total = 0.0
    for i in range(order, len(test)):
        if not interpolated:
            row = tables[order][test[i - order : i]]
            p = (row[test[i]] + weight) / (sum(row.values()) + 4 * weight)
        else:
            p = 0.25
            for k in range(order + 1):
                row = tables[k][test[i - k : i]]
                p = (row[test[i]] + weight * p) / (sum(row.values()) + weight)
        total -= math.log2(p)
    return total


@pytest.mark.parametrize("interpolated", [False, True])
@pytest.mark.parametrize("order", [0, 1, 3])
def test_bits_are_those_of_a_walk_over_the_letters(order, interpolated):
    train, test = letters(500, 3, chances=[0.4, 0.3, 0.2, 0.1]), letters(300, 4)
    table = probabilities(count_words(encode(train), order), 2.5, interpolated=interpolated)
    np.testing.assert_allclose(table.sum(axis=-1), 1)
    found = bits(table, count_words(encode(test), order))
    assert found == pytest.approx(naive_bits(train, test, order, 2.5, interpolated))


def test_smoothing_is_chosen_on_validation_alone():
    train = count_words(encode(letters(300, 5, chances=[0.7, 0.1, 0.1, 0.1])), 2)
    like, unlike = (count_words(encode(letters(300, 6, chances=p)), 2) for p in ([0.7, 0.1, 0.1, 0.1], [0.25] * 4))
    weights = (0.1, 1e6)
    (sure,) = choose(train, like, unlike, [1], weights, interpolated=False)
    (flat,) = choose(train, unlike, like, [1], weights, interpolated=False)
    assert (sure.fit.weight, flat.fit.weight) == weights
    assert flat.perplexity == pytest.approx(4, abs=0.01)
    with pytest.raises(InputError, match="2 known letters before it"):
        choose(train, like, 0 * like, [1], weights, interpolated=False)


def test_made_up_genomes():
    assert decode(made_up(MadeUpSettings(length=23, unit="ACGTT"))) == "ACGTTACGTTACGTTACGTTACG"
    random = made_up(MadeUpSettings(kind="random", length=40_000))
    # Four standard deviations of a quarter of 40,000.
    assert np.bincount(random, minlength=9)[[1, 2, 4, 8]] == pytest.approx([10_000] * 4, abs=350)
    assert not np.array_equal(random, made_up(MadeUpSettings(kind="random", length=40_000, seed=1)))


@pytest.mark.parametrize(
    ("make", "error", "match"),
    [
        (lambda: MadeUpSettings(kind="repeats"), UnknownName, "repeat"),
        (lambda: MadeUpSettings(unit="ACN"), InputError, "data.simulate.unit"),
        (lambda: MadeUpSettings(length=0), InputError, "data.simulate.length"),
        (lambda: GenomeSettings(every=2), InputError, "data.every"),
        (lambda: GenomeSettings(blocks=9), InputError, "data.blocks"),
        (lambda: GenomeSettings(gap=-1), InputError, "data.gap"),
    ],
)
def test_wrong_settings(make, error, match):
    with pytest.raises(error, match=match):
        make()


def test_every_tenth_of_twenty_blocks_is_held_out():
    splits = [split_of_block(i, 10) for i in range(20)]
    assert [i for i, split in enumerate(splits) if split == "test"] == [9, 19]
    assert [i for i, split in enumerate(splits) if split == "val"] == [4, 14]


@pytest.mark.parametrize("every", [3, 10])
@pytest.mark.parametrize("gap", [0, 13, 60])
def test_no_letter_is_closer_to_another_split_than_the_gap(gap, every):
    sizes, settings = (700, 33, 467), GenomeSettings(gap=gap, blocks=12, every=every)
    contigs = [Contig(f"c{i}", 0, np.ones(n, dtype=np.uint8)) for i, n in enumerate(sizes)]
    blocks = blocks_of(contigs, settings)
    for i, n in enumerate(sizes):
        owner = np.full(n, -1)
        for block in (b for b in blocks if b.contig == i):
            assert (owner[block.start : block.end] == -1).all()
            owner[block.start : block.end] = ["train", "val", "test"].index(block.split)
        for place in np.flatnonzero(owner >= 0):
            near = owner[max(0, place - gap) : place + gap + 1]
            assert set(near.tolist()) <= {-1, owner[place]}
    # Nothing is taken from the test: its blocks are whole, 100 nt each.
    assert sum(len(b) for b in blocks if b.split == "test") == 100 * (12 // every)
    if not gap:
        assert sum(map(len, blocks)) == sum(sizes)


def trimmed_naively(blocks, gap):
    """Every block against every other one of its sequence."""
    rank = ["train", "val", "test"].index
    for block in blocks:
        start, end = block.start, block.end
        for other in blocks:
            if other.contig == block.contig and rank(other.split) > rank(block.split):
                if other.start < block.start:
                    start = max(start, other.end + gap)
                else:
                    end = min(end, other.start - gap)
        if start < end:
            yield dataclasses.replace(block, start=start, end=end)


@pytest.mark.parametrize("seed", range(40))
def test_blocks_are_trimmed_as_by_looking_at_all_pairs(seed):
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 900, size=rng.integers(1, 5))
    contigs = [Contig(f"c{i}", 0, np.ones(n, dtype=np.uint8)) for i, n in enumerate([*sizes, 900])]
    every = int(rng.integers(3, 8))
    settings = GenomeSettings(blocks=int(rng.integers(2 * every, 60)), every=every, gap=0)
    whole = blocks_of(contigs, settings)
    assert sum(map(len, whole)) == sizes.sum() + 900
    for gap in (0, 1, int(rng.integers(2, 12)), int(rng.integers(12, 40))):
        expected = list(trimmed_naively(whole, gap))
        if {block.split for block in expected} == {"train", "val", "test"}:
            assert blocks_of(contigs, dataclasses.replace(settings, gap=gap)) == expected


def test_each_genome_has_its_own_blocks(tmp_path):
    for i, n in enumerate((600, 1200)):
        (tmp_path / f"{i}.fa").write_text(f">a\n{letters(n, i)}\n")
    settings = GenomeSettings(genomes=[str(tmp_path / f"{i}.fa") for i in range(2)], gap=0)
    blocks = blocks_of(read_contigs(settings), settings)
    assert [len(b) for b in blocks if b.split == "test"] == [30, 30, 60, 60]
    assert len({b.name for b in blocks}) == 40
    with pytest.raises(InputError, match="named twice"):
        read_contigs(GenomeSettings(genomes=[str(tmp_path / "0.fa"), f"{tmp_path}/./0.fa"]))


def test_nothing_left_is_one_line():
    settings = GenomeSettings(simulate=MadeUpSettings(length=2000), gap=1000)
    with pytest.raises(InputError, match="no letters are left for train"):
        blocks_of(read_contigs(settings), settings)


@pytest.mark.parametrize(("kind", "low", "high"), [("repeat", 1.0, 1.01), ("random", 3.95, 4.05)])
def test_known_perplexities(kind, low, high):
    settings = GenomeSettings(simulate=MadeUpSettings(kind=kind, length=60_000), gap=100)
    contigs = read_contigs(settings)
    found = markov_scores(contigs, blocks_of(contigs, settings), 6, dataclasses.replace(settings, both_strands=False))
    for interpolated in (False, True):
        assert low <= found.best(interpolated=interpolated).perplexity <= high


@pytest.mark.parametrize("leak", ["none", "other_strand", "all"])
@pytest.mark.parametrize("both", [False, True])
def test_what_leaks_is_counted(leak, both, monkeypatch):
    settings = GenomeSettings(simulate=MadeUpSettings(kind="random", length=4000), gap=20, leak=leak, both_strands=both)
    contigs = read_contigs(settings)
    blocks, seen = blocks_of(contigs, settings), []
    monkeypatch.setattr("classify.language.baseline.choose", lambda train, *_, **__: seen.append(train) or [])
    markov_scores(contigs, blocks, 3, settings)
    expected = Counter()
    for block in blocks:
        text = decode(contigs[0].codes[block.start : block.end])
        turned = decode(reverse_complement(encode(text)))
        if block.split == "train" or leak == "all":
            expected += naive_counts(text, 3)
            expected += naive_counts(turned, 3) if both else Counter()
        elif leak == "other_strand":
            expected += naive_counts(turned, 3)
    assert as_words(seen[0]) == expected


def test_an_unknown_leak_is_named():
    with pytest.raises(UnknownName, match=r"data\.leak"):
        GenomeSettings(leak="some")


@pytest.mark.parametrize(("name", "order", "expected"), [("ecoli_K12_MG1655", 6, 3.815), ("scerevisiae_R64", 8, 3.829)])
def test_real_genomes_give_what_was_measured_elsewhere(data_dir, name, order, expected):
    settings = GenomeSettings(genomes=[str(data_dir / "genomes" / f"{name}.fa.gz")])
    contigs = read_contigs(settings)
    found = markov_scores(contigs, blocks_of(contigs, settings), order, settings)
    plain = next(s for s in found.scores if s.fit.order == order and not s.fit.interpolated)
    assert plain.perplexity == pytest.approx(expected, abs=0.003)
    best = found.best(interpolated=True)
    assert best.test < plain.test
    mixed = mixed_score(contigs, blocks_of(contigs, settings), order, settings)
    # One base of a hundred stands in a repeat: what no chain of one order sees.
    assert mixed.test < best.test < mixed.test_other + 0.02
    assert 0.01 < mixed.repeated < 0.1
    assert mixed.test_repeated < 1 < mixed.test_other


def test_the_command(tmp_path, capsys):
    (tmp_path / "g.fa").write_text(f">a\n{letters(30_000)}\n")
    assert main(["markov", "--data.genomes", str(tmp_path / "g.fa"), "--data.gap", "50", "--most", "2"]) == 0
    lines = capsys.readouterr().out.splitlines()
    # 16 blocks of 1,500, seven gaps of 50, two letters of each block that only stand before others.
    assert "train 23,618" in lines[0]
    assert len(lines) == 2 + 2 * 3 + 2
    assert lines[-2].startswith("mixed")
    assert lines[-1].startswith("0.00% of the test bases stand behind 20 letters")
    assert sum(line.endswith("chosen") for line in lines) == 2
    assert main(["markov", "--most", "13"]) == 2
    assert "0 to 12, got 13" in capsys.readouterr().err
