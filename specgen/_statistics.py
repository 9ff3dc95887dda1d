"""Two literal tables for ``simulate``: human codon usage, and order-2 statistics of human non-coding RNA.

Only aggregate frequencies are kept, no sequence of either set. Counted with ``records`` from:

- ``CODON_USAGE``: CPAT's human test CDS (RefSeq NM_ transcripts, hg19; 3855 CDS, all 2,023,562 codons, start
  codons included), cut from ``test_files/Human_test_coding_mRNA.fa.gz`` with its BED12 file, repository
  liguowang/cpat, commit ea5aca3eeb3f898e1ca1b75180bf1ace0057ab95;
- ``BACKGROUND``: PreLncData's human lncRNA (Ensembl, GRCh38; 12,000 transcripts, all 15,331,170
  trinucleotides, so that a transcript weighs by its length), ``train/human_lnc_train.fa.gz``, repository
  LeiCao97/PreLncData, commit 90b2886fbcdcee20d932f0b732e25aa259ddec7a.

Both map the first two bases of a triplet to one value per third base A, C, G, T. Numbers only, no logic.
"""

from __future__ import annotations

__all__ = ["BACKGROUND", "CODON_USAGE"]

CODON_USAGE: dict[str, tuple[float, float, float, float]] = {
    "AA": (25.38, 18.54, 32.53, 17.16),
    "AC": (14.72, 18.09, 6.00, 12.97),
    "AG": (12.02, 19.83, 11.82, 12.52),
    "AT": (7.42, 19.79, 21.39, 15.63),
    "CA": (12.49, 15.17, 34.87, 11.09),
    "CC": (16.80, 20.29, 7.45, 17.53),
    "CG": (6.18, 11.10, 11.91, 4.55),
    "CT": (7.05, 19.07, 40.03, 13.22),
    "GA": (30.13, 25.30, 40.98, 22.18),
    "GC": (15.86, 28.54, 7.93, 18.22),
    "GG": (16.16, 22.69, 16.62, 10.65),
    "GT": (6.98, 13.85, 27.97, 10.98),
    "TA": (0.52, 14.63, 0.44, 11.85),
    "TC": (12.25, 17.34, 4.58, 15.06),
    "TG": (0.94, 12.27, 12.21, 10.53),
    "TT": (7.89, 19.77, 13.21, 16.86),
}
"""Occurrences of each codon per thousand codons, by its first two bases and then its third (A, C, G, T)."""

BACKGROUND: dict[str, tuple[float, float, float, float]] = {
    "AA": (0.3554, 0.1657, 0.2504, 0.2285),
    "AC": (0.3729, 0.2538, 0.0725, 0.3008),
    "AG": (0.3215, 0.2229, 0.2604, 0.1952),
    "AT": (0.2231, 0.2007, 0.2792, 0.2969),
    "CA": (0.2431, 0.2163, 0.3159, 0.2247),
    "CC": (0.3318, 0.2609, 0.0788, 0.3285),
    "CG": (0.2078, 0.2661, 0.3021, 0.2240),
    "CT": (0.1502, 0.2560, 0.3339, 0.2599),
    "GA": (0.3296, 0.1770, 0.2945, 0.1989),
    "GC": (0.3129, 0.2923, 0.0805, 0.3143),
    "GG": (0.3232, 0.2383, 0.2518, 0.1867),
    "GT": (0.1861, 0.2176, 0.3286, 0.2678),
    "TA": (0.3211, 0.1952, 0.2013, 0.2824),
    "TC": (0.3128, 0.2869, 0.0532, 0.3470),
    "TG": (0.2696, 0.2161, 0.2704, 0.2439),
    "TT": (0.1915, 0.2398, 0.2190, 0.3496),
}
"""Probability of A, C, G, T after each pair of bases (rows add up to 1 within rounding)."""
