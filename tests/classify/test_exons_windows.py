"""Windows, their GC and their ambiguous letters against plain slicing."""

import numpy as np
import pytest
from genome_toys import window
from hypothesis import given
from hypothesis import strategies as st

from classify.exons import windows
from classify.exons.windows import AmbiguousRuns, cut_windows, gc_counts
from specgen.sequences import decode, encode

CONTIGS = st.text("ACGT", min_size=1, max_size=60) | st.text("ACGTNNNNNN", min_size=1, max_size=60)
WIDTHS = st.integers(1, 12).map(lambda half: 2 * half + 1)


@given(CONTIGS, WIDTHS, st.data())
def test_cut(contig, width, data):
    places = data.draw(st.lists(st.tuples(st.integers(1, len(contig)), st.sampled_from([1, -1])), max_size=9))
    positions = np.array([place for place, _ in places], dtype=np.int64)
    strands = np.array([strand for _, strand in places], dtype=np.int8)
    got = cut_windows(encode(contig), positions, strands, width)
    assert got.shape == (len(places), width)
    assert got.dtype == np.uint8
    assert [decode(row) for row in got] == [window(contig, place, strand, width) for place, strand in places]


@pytest.mark.parametrize("piece", [1, 7, 1 << 24])
@given(contig=CONTIGS, width=WIDTHS)
def test_ambiguous_letters(piece, contig, width):
    positions = np.arange(1, len(contig) + 1)
    texts = [window(contig, place, 1, width) for place in positions]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(windows, "_PIECE", piece)
        runs = AmbiguousRuns.of(encode(contig))
    np.testing.assert_allclose(runs.share(positions, width), [text.count("N") / width for text in texts])


@pytest.mark.parametrize("size", [2, 4096])
@given(contig=st.text("ACGTNSRW", min_size=1, max_size=60), width=WIDTHS)
def test_gc(size, contig, width):
    positions = np.arange(1, len(contig) + 1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(windows, "SLICE", size)
        got = gc_counts(encode(contig), positions, width)
    assert got.tolist() == [sum(letter in "CGS" for letter in window(contig, place, 1, width)) for place in positions]
