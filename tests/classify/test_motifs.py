"""Matrices, their files, alignments, TOMTOM's p-values and hits in windows: against naive code, Biopython and counting."""

import gzip
import io
import itertools
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classify.motifs.formats import meme_text, read_motifs
from classify.motifs.hits import STEP, scan_windows, score_tail
from classify.motifs.matrices import UNIFORM, Motif, background_of, motif_of_consensus
from classify.motifs.similarity import recovery, similarity
from classify.motifs.tomtom import match_motifs
from specgen.errors import InputError
from specgen.sequences import decode, encode, reverse_complement

BASES = "ACGT"


def random_motif(rng, width, name="m", sites=50):
    return Motif(name, sites * rng.dirichlet([0.3] * 4, size=width))


@st.composite
def motifs(draw, most=9):
    seed, width = draw(st.integers(0, 10**6)), draw(st.integers(1, most))
    return random_motif(np.random.default_rng(seed), width)


# Matrices


def test_hand_computed_information_and_consensus():
    motif = Motif("m", [[8, 0, 0, 0], [4, 4, 0, 0], [2, 2, 2, 2], [6, 2, 0, 0]])
    entropy = 0.75 * np.log2(0.75) + 0.25 * np.log2(0.25)
    assert motif.information(pseudocount=0) == pytest.approx([2, 1, 0, 2 + entropy])
    assert motif.heights(pseudocount=0)[1] == pytest.approx([0.5, 0.5, 0, 0])
    assert motif.consensus == "AMNA"
    assert Motif("m", [[5, 3, 0, 0], [5, 2, 2, 1]]).consensus == "MN"  # not twice the second; no more than half
    assert motif.letters == "AAAA"
    assert motif.core(0.5, pseudocount=0) == (0, 4)
    assert motif.cut(1, 4).core(1.05, pseudocount=0) == (2, 3) if 2 + entropy > 1.05 else True
    assert Motif("flat", np.ones((3, 4))).core(0.1) == (0, 0)
    assert motif.probabilities(np.array([0.4, 0.1, 0.1, 0.4]), 2)[0] == pytest.approx([0.88, 0.02, 0.02, 0.08])


def test_information_is_the_relative_entropy_to_the_background():
    rng = np.random.default_rng(0)
    background = np.array([0.3, 0.2, 0.1, 0.4])
    motif = random_motif(rng, 6)
    shares = (motif.counts + background) / (motif.counts + background).sum(axis=1, keepdims=True)
    naive = [sum(p * np.log2(p / b) for p, b in zip(row, background, strict=True)) for row in shares]
    assert motif.information(background) == pytest.approx(naive)
    assert motif.log_odds(background) == pytest.approx(np.log2(shares / background))


def test_bad_matrices():
    for counts in (np.ones((3, 3)), np.ones((0, 4)), [[1, 2, 3, -1]], [[1, 2, 3, np.nan]]):
        with pytest.raises(InputError, match="motif 'x'"):
            Motif("x", counts)
    with pytest.raises(InputError, match="needs a pseudocount"):
        motif_of_consensus("ACGT").log_odds(pseudocount=0)


def test_background_shares_ambiguity_out():
    assert background_of(encode("AACN"), 0) == pytest.approx([2.25 / 4, 1.25 / 4, 0.25 / 4, 0.25 / 4])


# Files

JASPAR = ">M1 one\nA [ 1 2 ]\nC [ 3 0 ]\nG [ 0 0 ]\nT [ 0 5 ]\n>M2\n1 0\n0 1\n0 0\n0 0\n"
TRANSFAC = (
    "VV  TRANSFAC\nXX\n//\nAC M1\nXX\nID one\nP0      T      G      C      A\n01 4 3 2 1 N\n02 0 0 0 1 A\nXX\n"
    "CC tf_family:Zinc\nCC tf_class:C2H2\n//\n"
)
MEME = (
    "MEME version 5\n\nALPHABET= ACGT\n\nstrands: + -\n\nBackground letter frequencies\nA .3 C .2 G .2 T .3\n\n"
    "MOTIF M1 one\nletter-probability matrix: alength= 4 w= 2 nsites= 8 E= 1e-3\n.5 .25 .25 0\n0 0 0 1\nURL x\n\n"
    "MOTIF M2\nletter-probability matrix: alength= 4 w= 1\n 0.25 0.25 0.25 0.25\n"
)


def written(tmp_path, text, name="m.txt"):
    path = tmp_path / name
    path.write_text(text)
    return path


def test_the_three_formats(tmp_path):
    one, two = read_motifs(written(tmp_path, JASPAR))
    assert (one.name, one.label, two.name, two.label) == ("M1", "one", "M2", "")
    assert one.counts.tolist() == [[1, 3, 0, 0], [2, 0, 0, 5]]
    assert two.counts.tolist() == [[1, 0, 0, 0], [0, 1, 0, 0]]
    (one,) = read_motifs(written(tmp_path, TRANSFAC))
    assert (one.name, one.label, one.family, one.group) == ("M1", "one", "Zinc", "C2H2")
    assert one.counts.tolist() == [[1, 2, 3, 4], [1, 0, 0, 0]]
    one, two = read_motifs(written(tmp_path, MEME))
    assert one.counts.tolist() == [[4, 2, 2, 0], [0, 0, 0, 8]]
    assert two.sites == 20
    path = tmp_path / "m.gz"
    path.write_bytes(gzip.compress(MEME.encode()))
    assert [m.name for m in read_motifs(path)] == ["M1", "M2"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("hello\n", "line 1: starts with 'hello'"),
        (JASPAR.replace("[ 3 0 ]", "[ 3 ]"), "line 3: record 'M1': row C has 1 numbers, the first row has 2"),
        (JASPAR.replace("3 0", "3 -2"), "line 3: record 'M1': expected a number of at least 0, got '-2'"),
        (JASPAR.replace("3 0", "3 x"), "line 3: record 'M1': expected a number of at least 0, got 'x'"),
        (JASPAR.replace("C [", "A ["), "line 3: record 'M1': expected one row of each base, got 'A'"),
        (JASPAR.replace("T [ 0 5 ]\n", ""), "line 1: record 'M1': expected 4 rows"),
        (JASPAR.replace("M2", "M1"), "line 6: the name 'M1' comes twice"),
        (JASPAR.replace("1 0\n0 1", "1 0\n0 0"), "line 6: record 'M2' counts nothing at place 2"),
        (TRANSFAC.replace("01 4 3 2 1", "01 4 3 2"), "line 8: record 'M1': expected a number of at least 0, got 'N'"),
        (TRANSFAC.replace("01 4 3 2 1 N", "01 4 3"), "line 8: record 'M1': expected 4 numbers, got 2"),
        (TRANSFAC.replace("T      G", "U      G"), "line 7: record 'M1': expected columns A C G T"),
        (TRANSFAC.replace("AC M1\nXX\nID one\n", ""), "a matrix without a name"),
        (
            TRANSFAC.replace("P0      T      G      C      A\n", "").replace("01 4 3 2 1 N\n02 0 0 0 1 A\n", ""),
            "without a matrix",
        ),
        (TRANSFAC.replace("01 4", "what 4"), "line 8: expected a two-letter key"),
        (MEME.replace(".5 .25 .25 0", ".5 .25 .5 0"), "line 12: record 'M1': expected 4 probabilities that sum to 1"),
        (MEME.replace(".5 .25 .25 0", ".5 .25 .25"), "line 12: record 'M1': expected 4 probabilities"),
        (MEME.replace("ACGT", "ACDEFGHIKLMNPQRSTVWY"), "line 3: expected the alphabet ACGT"),
        (MEME.rsplit("\n", 2)[0] + "\n", "the file ends 1 places before the matrix does"),
        (MEME.replace("MOTIF M2\n", ""), "a matrix without a line MOTIF"),
        (MEME.replace("w= 1\n", "w= one\n"), "expected a number of at least 0, got 'one'"),
        ("MEME version 5\n", "holds no matrix"),
    ],
)
def test_bad_files_name_file_and_line(tmp_path, text, message):
    path = written(tmp_path, text)
    with pytest.raises(InputError) as caught:
        read_motifs(path)
    assert message in str(caught.value)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_files_that_are_none(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_motifs(tmp_path / "none")
    with pytest.raises(InputError, match="is a folder"):
        read_motifs(tmp_path)
    path = tmp_path / "m.gz"
    path.write_bytes(gzip.compress(MEME.encode())[:-20])
    with pytest.raises(InputError, match="truncated or damaged"):
        read_motifs(path)
    path.write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(InputError, match="not text"):
        read_motifs(path)


def test_more_lines_than_any_collection_has(tmp_path, monkeypatch):
    monkeypatch.setattr("classify.motifs.formats.MOST_LINES", 5)
    path = tmp_path / "x.jaspar"
    record = ">m\n1 2\n\n3 4\n5 6\n7 8\n"
    path.write_text(record)
    assert len(read_motifs(path)) == 1
    path.write_text(record + ">")
    with pytest.raises(
        InputError, match=r"x.jaspar: has more than 5 lines, expected JASPAR, MEME or TRANSFAC matrices"
    ):
        read_motifs(path)


def test_meme_text_comes_back(tmp_path):
    rng = np.random.default_rng(1)
    ours = [random_motif(rng, 7, "a b"), random_motif(rng, 3, "c")]
    theirs = read_motifs(written(tmp_path, meme_text(ours, np.array([0.3, 0.2, 0.2, 0.3]))))
    assert [m.name for m in theirs] == ["a_b", "c"]
    for a, b in zip(ours, theirs, strict=True):
        assert b.counts == pytest.approx(a.counts, abs=1e-4)


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "kind"),
    [("jaspar2024_core.transfac.gz", "transfac"), ("jaspar2024_selected_vertebrate.jaspar.gz", "jaspar")],
)
def test_real_files_as_biopython_reads_them(data_dir, name, kind):
    bio = pytest.importorskip("Bio.motifs")
    path = data_dir / "motifs" / name
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = list(bio.parse(io.StringIO(gzip.decompress(path.read_bytes()).decode()), kind, strict=False))
    ours = read_motifs(path)
    assert len(ours) == len(theirs) == (2346 if kind == "transfac" else 55)
    for a, b in zip(ours, theirs, strict=True):
        assert a.name == (b["AC"] if kind == "transfac" else b.matrix_id)
        assert a.label == (b["ID"] if kind == "transfac" else b.name)
        assert a.counts.T.tolist() == [list(b.counts[base]) for base in BASES]


# Similarity


def naive_similarity(a, b, minimum):
    """NumPy's correlation of the flattened columns, for every offset and strand."""
    best = -2.0
    least = min(minimum, len(a), len(b))
    for turned in (b, b[::-1, ::-1]):
        for offset in range(-len(a), len(b) + 1):
            pairs = [(i, i + offset) for i in range(len(a)) if 0 <= i + offset < len(turned)]
            if len(pairs) >= least:
                x = np.concatenate([a[i] for i, _ in pairs])
                y = np.concatenate([turned[j] for _, j in pairs])
                best = max(best, np.corrcoef(x, y)[0, 1])
    return best


@given(motifs(), motifs(), st.integers(1, 9))
def test_similarity_is_the_best_correlation(first, second, minimum):
    a, b = first.probabilities(pseudocount=0), second.probabilities(pseudocount=0)
    found = similarity(first, second, minimum=minimum)
    assert found.similarity == pytest.approx(naive_similarity(a, b, minimum), abs=1e-9)
    # The alignment that is told gives it.
    turned = b[::-1, ::-1] if found.strand < 0 else b
    low, high = max(0, found.offset), min(len(b), found.offset + len(a))
    assert high - low == found.overlap
    pair = a[low - found.offset : high - found.offset].ravel(), turned[low:high].ravel()
    assert np.corrcoef(*pair)[0, 1] == pytest.approx(found.similarity, abs=1e-9)


@given(motifs(), motifs())
def test_similarity_is_symmetric_and_one_for_equals_on_either_strand(first, second):
    there, back = similarity(first, second), similarity(second, first)
    assert there.similarity == pytest.approx(back.similarity, abs=1e-9)
    assert there.overlap == back.overlap
    assert similarity(first.reverse_complement(), second).similarity == pytest.approx(there.similarity, abs=1e-9)
    assert similarity(first, first).similarity == 1
    assert similarity(first, first)[1:] == (0, 1, len(first))
    assert similarity(first, first.reverse_complement()).similarity == 1


@given(motifs(), st.integers(0, 6), st.integers(0, 6))
def test_similarity_does_not_care_where_the_motif_lies(motif, left, right):
    a = motif.probabilities(pseudocount=0)
    moved = np.concatenate([np.full((left, 4), 0.25), a, np.full((right, 4), 0.25)])
    found = similarity(a, moved, minimum=len(a))
    assert found.similarity == pytest.approx(1)
    told = recovery(moved, a)
    assert told.recovered
    assert told.consensus
    assert told.alignment.similarity == pytest.approx(1)
    assert recovery(moved[::-1, ::-1], a).recovered


def test_comparing_letters_in_place_is_near_chance_for_a_shifted_filter():
    planted = motif_of_consensus("GATTACAG")
    shifted = motif_of_consensus(
        "NGATTACA"
    )  # the same motif, one place to the right, its last letter beyond the filter
    in_place = np.mean([a == b for a, b in zip(planted.letters, "NGATTACA", strict=True)])
    assert in_place <= 0.25
    assert similarity(planted, shifted) == (pytest.approx(1), 1, 1, 7)


def test_recovery_wants_the_whole_motif():
    planted = motif_of_consensus("ACGTG")
    assert recovery(motif_of_consensus("NNACGTGNN"), planted).alignment == (pytest.approx(1), -2, 1, 5)
    assert recovery(motif_of_consensus("NCACGTNN"), planted).letters == "ACGTG"
    turned = recovery(motif_of_consensus("NCACGTNN"), planted)
    assert turned.alignment == (pytest.approx(1), -1, -1, 5)
    short = recovery(motif_of_consensus("CGTG"), planted)
    assert (short.recovered, short.consensus, short.letters) == (False, False, "-CGTG")
    assert short.alignment.similarity == pytest.approx((4 / 5) ** 0.5)
    assert not recovery(motif_of_consensus("TTTTTT"), planted).recovered
    assert not recovery(np.full((7, 4), 0.25), motif_of_consensus("AAAAA")).recovered
    weak = Motif("weak", 25 + 10 * motif_of_consensus("NACGTGN", sites=1).counts)
    assert recovery(weak, planted).consensus
    with pytest.raises(InputError, match="minimum"):
        similarity(planted, planted, minimum=0)


# TOMTOM


def naive_tomtom(query, targets, bins=100):
    """p-values after Gupta et al. 2007 with the complete scores of Tanaka et al. 2011, from the definition, in plain NumPy.

    Columns are scored by minus their Euclidean distance, less the median over all target columns of both strands, so that
    an unaligned query column counts 0; scores are whole numbers of 0 to ``bins``. The p-value of the best score is the
    chance that no offset reaches it, taken off 1, the offsets being independent; and so for the two strands.
    """
    columns = np.concatenate([*targets, *(t[::-1, ::-1] for t in targets)])
    scores = -np.sqrt(((query[:, None] - columns[None]) ** 2).sum(axis=2))
    scores = scores - np.median(scores, axis=1, keepdims=True)
    low, high = scores.min(), scores.max()
    scale = np.floor(bins / (high - low))
    whole = np.rint((scores - low) * scale).astype(int)
    zero = int(np.rint(-low * scale))  # what a column without a partner scores
    null = [np.bincount(row, minlength=whole.max() + 1) / len(row) for row in whole]

    def tail(first, last, score):
        density = np.ones(1)
        for row in null[first:last]:
            density = np.convolve(density, row)
        return density[max(0, score - zero * (len(query) - last + first)) :].sum()

    starts = np.concatenate([[0], np.cumsum([len(t) for t in targets] * 2)])
    told = []
    for i, target in enumerate(targets):
        best = []
        for which in (i, i + len(targets)):
            at, w, m = starts[which], len(query), len(target)
            spans = [(max(0, -offset), min(w, m - offset), offset) for offset in range(1 - w, m)]
            totals = [
                sum(whole[j, at + j + offset] for j in range(first, last)) + zero * (w - last + first)
                for first, last, offset in spans
            ]
            tails = np.array([min(tail(first, last, max(totals)), 1 - 1e-15) for first, last, _ in spans])
            best.append(-np.expm1(np.log1p(-tails).sum()))
        told.append(-np.expm1(2 * np.log1p(-min(min(best), 1 - 1e-15))))
    return np.array(told)


@pytest.fixture(scope="module")
def database():
    rng = np.random.default_rng(3)
    return [random_motif(rng, int(rng.integers(6, 13)), f"t{i}") for i in range(60)]


def test_matches_are_where_they_were_put(database):
    rng = np.random.default_rng(4)
    queries = [database[3].cut(1, 6), database[5].reverse_complement(), random_motif(rng, 8, "other")]
    inside, turned, other = match_motifs(queries, database, most=3)
    assert (inside[0].target.name, inside[0].offset, inside[0].strand, inside[0].overlap) == ("t3", 1, 1, 5)
    assert (turned[0].target.name, turned[0].strand, turned[0].offset) == ("t5", -1, 0)
    assert turned[0].overlap == len(database[5])
    assert inside[0].similarity == pytest.approx(1)
    assert turned[0].p < 1e-8
    assert turned[0].q < 1e-6
    assert other[0].q > 0.05
    for found in (inside, turned, other):
        assert len(found) == 3
        assert [m.p for m in found] == sorted(m.p for m in found)


def test_q_values_are_benjamini_hochberg(database):
    (found,) = match_motifs([database[7].cut(0, 5)], database, most=len(database))
    p = np.array([m.p for m in found])
    n = len(p)
    naive = [min(min(1.0, p[j] * n / (j + 1)) for j in range(i, n)) for i in range(n)]
    assert [m.q for m in found] == pytest.approx(naive)


def test_p_values_are_those_of_the_definition(database):
    rng = np.random.default_rng(5)
    for query in (database[3].cut(1, 6), random_motif(rng, 7)):
        (found,) = match_motifs([query], database, most=len(database), exact=True, pseudocount=1.0)
        naive = naive_tomtom(query.probabilities(), [t.probabilities() for t in database])
        ours = np.array([next(m.p for m in found if m.target is t) for t in database])
        # Scores are rounded in another order, and medians are binned; that a column is in the next bin matters most where
        # few are as good.
        likely = naive > 1e-6
        assert likely.sum() >= 59
        assert np.log10(ours[likely]) == pytest.approx(np.log10(naive[likely]), abs=0.1)
        assert np.log10(ours[~likely]) == pytest.approx(np.log10(naive[~likely]), abs=1)


def test_p_values_of_unrelated_motifs_are_not_small(database):
    """Queries of shuffled columns of the database: a share of about alpha has a p-value below alpha, or fewer."""
    rng = np.random.default_rng(6)
    columns = np.concatenate([m.counts for m in database])
    queries = [Motif(f"q{i}", columns[rng.integers(len(columns), size=8)]) for i in range(50)]
    p = np.array([m.p for found in match_motifs(queries, database, most=60) for m in found])
    assert len(p) == 3000
    for alpha in (0.01, 0.1):
        assert (p < alpha).mean() < 1.6 * alpha
    assert (p < 0.1).mean() > 0.02


def test_matching_nothing():
    with pytest.raises(InputError, match="no motif"):
        match_motifs([motif_of_consensus("ACGT")], [])
    assert match_motifs([], [motif_of_consensus("ACGT")]) == []


# Hits


@given(motifs(most=5), st.integers(0, 10**6))
def test_the_tail_counts_every_word(motif, seed):
    weights = np.rint(motif.log_odds() / STEP).astype(np.int64)
    background = np.random.default_rng(seed).dirichlet([5] * 4)
    lowest, tail = score_tail(weights, background)
    words = list(itertools.product(range(4), repeat=len(motif)))
    scores = np.array([sum(weights[i, c] for i, c in enumerate(word)) for word in words])
    chances = np.array([np.prod([background[c] for c in word]) for word in words])
    assert scores.min() == lowest
    assert scores.max() == lowest + len(tail) - 1
    for score in np.unique(scores):
        assert tail[score - lowest] == pytest.approx(chances[scores >= score].sum(), rel=1e-9)


def naive_hits(windows, motifs, threshold, background):
    """Every place of both strands, letter by letter, with p-values by enumeration of all words."""
    told = []
    for number, motif in enumerate(motifs):
        for strand in (1, -1):
            matrix = motif if strand > 0 else motif.reverse_complement()
            odds = np.rint(np.log2(matrix.probabilities(background) / background) / STEP)
            if strand < 0:
                odds = np.rint(np.log2(motif.probabilities(background) / background) / STEP)[::-1, ::-1]
            words = itertools.product(range(4), repeat=len(motif))
            all_scores, chances = zip(
                *((sum(odds[i, c] for i, c in enumerate(w)), np.prod(background[list(w)])) for w in words), strict=True
            )
            all_scores, chances = np.array(all_scores), np.array(chances)
            for row, window in enumerate(windows):
                text = decode(window)
                for start in range(len(text) - len(motif) + 1):
                    word = text[start : start + len(motif)]
                    if set(word) <= set(BASES):
                        score = sum(odds[i, BASES.index(letter)] for i, letter in enumerate(word))
                        p = chances[all_scores >= score].sum()
                        if p <= threshold * (1 + 1e-12):
                            told.append((number, row, start, strand, score * STEP, p))
    return sorted(told, key=lambda hit: (*hit[:3], -hit[3]))


@pytest.mark.parametrize("width", [1, 4, 5, 6, 7])
def test_hits_are_those_of_a_naive_scan(width):
    rng = np.random.default_rng(width)
    windows = (1 << rng.integers(4, size=(12, 40))).astype(np.uint8)
    windows[rng.random(windows.shape) < 0.03] = 15
    windows[3, 35:] = 0
    background = np.array([0.35, 0.15, 0.2, 0.3])
    motifs = [random_motif(rng, width, "a"), random_motif(rng, max(1, width - 1), "b")]
    found = scan_windows(windows, motifs, threshold=0.03 if width > 1 else 0.4, background=background)
    naive = naive_hits(windows, motifs, 0.03 if width > 1 else 0.4, background)
    assert len(found) == len(naive) > 0
    for column, values in zip(
        (found.motif, found.window, found.start, found.strand, found.score, found.p),
        zip(*naive, strict=True),
        strict=True,
    ):
        assert column == pytest.approx(np.array(values))


def test_hits_on_the_other_strand_are_those_of_turned_windows():
    rng = np.random.default_rng(9)
    windows = (1 << rng.integers(4, size=(200, 60))).astype(np.uint8)
    motif = random_motif(rng, 9)
    there = scan_windows(windows, [motif], threshold=1e-3)
    back = scan_windows(reverse_complement(windows), [motif], threshold=1e-3)
    assert len(there) > 10

    def told(hits, turn):
        starts = 60 - 9 - hits.start if turn else hits.start
        return sorted(
            zip(
                hits.window.tolist(),
                starts.tolist(),
                (hits.strand * (-1 if turn else 1)).tolist(),
                hits.score.round(6),
                strict=True,
            )
        )

    assert told(there, False) == told(back, True)


def test_as_many_hits_as_the_p_value_says():
    rng = np.random.default_rng(10)
    windows = (1 << rng.integers(4, size=(20_000, 101))).astype(np.uint8)
    motif = random_motif(rng, 12)
    found = scan_windows(windows, [motif], threshold=1e-3)
    places = 2 * len(windows) * (101 - 12 + 1)
    assert len(found) / places == pytest.approx(1e-3, rel=0.1)
    assert found.p.max() <= 1e-3


def test_planted_sites_are_found():
    window = encode("TTTTGATTACAGTTTTTTTTTTTTCTGTAATCTTTTT")[None]
    found = scan_windows(window, [motif_of_consensus("GATTACAG")], threshold=1e-4)
    assert found.start.tolist() == [4, 24]
    assert found.strand.tolist() == [1, -1]
    assert found.p == pytest.approx([0.25**8] * 2)
    assert len(scan_windows(window, [motif_of_consensus("A" * 50)])) == 0
    assert len(scan_windows(window, [])) == 0
    one = scan_windows(window, [motif_of_consensus("GATTACAG")], both=False)
    assert one.start.tolist() == [4]


def test_bad_scans():
    window, motif = encode("ACGT")[None], motif_of_consensus("AC")
    with pytest.raises(InputError, match="threshold"):
        scan_windows(window, [motif], threshold=0)
    with pytest.raises(InputError, match="background"):
        scan_windows(window, [motif], background=np.array([0.5, 0.5, 0, 0]))
    assert UNIFORM.sum() == 1


def test_a_blank_before_the_first_name(tmp_path):
    (tmp_path / "x.txt").write_text(" >M1\n1 2\n3 4\n5 6\n7 8\n")
    assert [motif.name for motif in read_motifs(tmp_path / "x.txt")] == ["M1"]
