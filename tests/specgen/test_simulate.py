"""Simulated transcripts: their anatomy, the statistics they are drawn from, and what must not leak the class."""

from __future__ import annotations

import dataclasses
import math
from collections import Counter

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from specgen._statistics import BACKGROUND, CODON_USAGE
from specgen.errors import InputError
from specgen.sequences import BASES, INDICATORS, decode, encode
from specgen.simulate import SimulatedRecord, SimulationSettings, _shift, simulate

STOPS = {"TAA", "TAG", "TGA"}
CODONS = [a + b + c for a in BASES for b in BASES for c in BASES]
SENSE = [codon for codon in CODONS if codon not in STOPS]


def draw(**settings: float) -> list[SimulatedRecord]:
    return list(simulate(SimulationSettings(**settings)))  # type: ignore[arg-type]


def codons_of(record: SimulatedRecord) -> list[str]:
    text = decode(record.codes[slice(*record.cds)])
    return [text[start : start + 3] for start in range(0, len(text), 3)]


def gc_of(record: SimulatedRecord) -> float:
    return float(INDICATORS[record.codes][:, 1:3].sum(axis=1).mean())


def period3_power(codes: NDArray[np.uint8]) -> float:
    """Power at 1/3 cycles/bp over the mean power, summed over the four indicator signals."""
    signal = INDICATORS[codes[: len(codes) // 3 * 3]]
    power = (np.abs(np.fft.rfft(signal - signal.mean(axis=0), axis=0)) ** 2).sum(axis=1)
    return float(power[len(signal) // 3] / power[1:].mean())


def sense_usage(records: list[SimulatedRecord]) -> NDArray[np.float64]:
    """(61,) frequency of each sense codon between start and stop."""
    counts = dict.fromkeys(SENSE, 0)
    for record in records:
        for codon in codons_of(record)[1:-1]:
            counts[codon] += 1
    values = np.array([counts[codon] for codon in SENSE], dtype=float)
    share: NDArray[np.float64] = values / values.sum()
    return share


def table_usage() -> NDArray[np.float64]:
    values = np.array([CODON_USAGE[codon[:2]][BASES.index(codon[2])] for codon in SENSE])
    share: NDArray[np.float64] = values / values.sum()
    return share


@pytest.fixture(scope="module")
def records() -> list[SimulatedRecord]:
    return draw(n=600, seed=1)


@pytest.fixture(scope="module")
def coding(records: list[SimulatedRecord]) -> list[SimulatedRecord]:
    return [record for record in records if record.coding]


@pytest.fixture(scope="module")
def noncoding(records: list[SimulatedRecord]) -> list[SimulatedRecord]:
    return [record for record in records if not record.coding]


class TestTables:
    def test_shares_add_up(self) -> None:
        assert sum(map(sum, CODON_USAGE.values())) == pytest.approx(1000, abs=0.2)
        assert list(BACKGROUND) == list(CODON_USAGE) == [a + b for a in BASES for b in BASES]
        for row in BACKGROUND.values():
            assert sum(row) == pytest.approx(1, abs=2e-4)

    def test_well_known_facts(self) -> None:
        usage = {codon: CODON_USAGE[codon[:2]][BASES.index(codon[2])] for codon in CODONS}
        # CTG leads and TCG trails human usage (Kazusa), TGA is the commonest stop, CpG is depleted.
        assert usage["CTG"] > 35
        assert min(SENSE, key=usage.__getitem__) in {"TCG", "CGT"}
        assert max(STOPS, key=usage.__getitem__) == "TGA"
        assert all(row[2] < 0.1 for pair, row in BACKGROUND.items() if pair[1] == "C")


class TestReproducibility:
    def test_same_settings_same_records_and_a_larger_n_appends(self) -> None:
        few, again, many = (draw(n=n, seed=4, indels=0.01) for n in (3, 3, 6))
        for one, same, longer in zip(few, again, many[:6], strict=True):
            for other in (same, longer):
                np.testing.assert_array_equal(one.codes, other.codes)
                rest = [item.name for item in dataclasses.fields(one) if item.name != "codes"]
                assert [getattr(one, name) for name in rest] == [getattr(other, name) for name in rest]

    def test_another_seed_another_set(self) -> None:
        first, second = ({decode(record.codes) for record in draw(n=5, seed=seed)} for seed in (0, 1))
        assert len(first) == len(second) == 10
        assert not first & second

    def test_is_lazy(self) -> None:
        assert next(simulate(SimulationSettings(n=1_000_000))).coding


class TestAnatomy:
    def test_counts_names_and_groups(self, records: list[SimulatedRecord]) -> None:
        assert [record.coding for record in records] == [True, False] * 600
        assert len({record.name for record in records}) == len({record.gene for record in records}) == 1200
        for wanted in (True, False):
            chromosomes = Counter(record.chromosome for record in records if record.coding is wanted)
            assert chromosomes == {f"sim{number}": 60 for number in range(1, 11)}

    def test_codes_are_plain_bases(self, records: list[SimulatedRecord]) -> None:
        for record in records:
            assert record.codes.dtype == np.uint8
            assert set(np.unique(record.codes)) == {1, 2, 4, 8}

    def test_lengths(self, records: list[SimulatedRecord]) -> None:
        lengths = np.array([len(record.codes) for record in records])
        assert lengths.min() >= 700
        assert lengths.max() <= 2000
        assert lengths.mean() == pytest.approx(1350, abs=50)
        assert {len(record.codes) for record in draw(n=200, min_length=61, max_length=63)} == {61, 62, 63}

    def test_reading_frame(self, coding: list[SimulatedRecord]) -> None:
        for record in coding:
            codons = codons_of(record)
            assert codons[0] == "ATG"
            assert codons[-1] in STOPS
            assert not STOPS & set(codons[:-1])
        assert np.bincount([record.cds[0] % 3 for record in coding], minlength=3).min() > 150

    def test_the_shortest_has_every_part(self) -> None:
        for record in draw(n=100, min_length=60, max_length=60):
            if record.coding:
                assert 0 < record.cds[0] < record.cds[0] + 9 <= record.cds[1] < 60


class TestStatistics:
    def test_codon_usage_is_the_table(self, coding: list[SimulatedRecord]) -> None:
        found, expected = sense_usage(coding), table_usage()
        total = sum(len(codons_of(record)) - 2 for record in coding)
        # Five standard errors of a multinomial share, 61 comparisons.
        assert (np.abs(found - expected) < 5 * np.sqrt(expected / total)).all()

    @pytest.mark.parametrize("bias", [0, 0.5])
    def test_bias_mixes_linearly_with_uniform(self, bias: float) -> None:
        found = sense_usage([record for record in draw(n=300, codon_bias=bias, seed=2) if record.coding])
        assert found == pytest.approx(bias * table_usage() + (1 - bias) / 61, rel=0.15)

    def test_stop_codons_have_their_shares(self, coding: list[SimulatedRecord]) -> None:
        stops = [codons_of(record)[-1] for record in coding]
        # 0.94 out of 0.52 + 0.44 + 0.94 per thousand.
        assert stops.count("TGA") / len(stops) == pytest.approx(0.49, abs=0.08)

    def test_background_keeps_the_odds_within_strong_and_within_weak_bases(
        self, noncoding: list[SimulatedRecord]
    ) -> None:
        # The tilt scales C and G alike, so A:T and C:G after a pair of bases are those of the table.
        counts = np.zeros((16, 4))
        for record in noncoding:
            bases = np.log2(record.codes).astype(int)
            np.add.at(counts, (4 * bases[:-2] + bases[1:-1], bases[2:]), 1)
        table = np.array(list(BACKGROUND.values()))
        for one, other in ((0, 3), (1, 2)):
            found = counts[:, one] / (counts[:, one] + counts[:, other])
            expected = table[:, one] / (table[:, one] + table[:, other])
            np.testing.assert_allclose(found, expected, atol=0.02)

    @pytest.mark.parametrize("codon_bias", [1.0, 0.0])
    def test_gc_is_level_along_the_coding_transcript(self, codon_bias: float) -> None:
        inside, outside = [], []
        for record in draw(n=400, codon_bias=codon_bias, seed=3):
            if record.coding:
                gc = INDICATORS[record.codes][:, 1:3].sum(axis=1)
                inside.append(gc[slice(*record.cds)])
                outside += [gc[: record.cds[0]], gc[record.cds[1] :]]
        assert np.concatenate(inside).mean() == pytest.approx(np.concatenate(outside).mean(), abs=0.005)

    def test_period_3(self, coding: list[SimulatedRecord], noncoding: list[SimulatedRecord]) -> None:
        in_cds = np.array([period3_power(record.codes[slice(*record.cds)]) for record in coding])
        # The same stretch of the non-coding partner.
        beside = np.array([period3_power(b.codes[slice(*a.cds)]) for a, b in zip(coding, noncoding, strict=True)])
        assert np.median(in_cds) > 5 * np.median(beside)
        assert roc_auc_score([1] * len(in_cds) + [0] * len(beside), [*in_cds, *beside]) > 0.9


class TestNoLeak:
    """What is matched must not tell the classes apart, or a benchmark on this data measures the wrong thing."""

    @pytest.mark.parametrize(
        "settings",
        [
            {"n": 600, "seed": 1},
            {"n": 600, "seed": 1, "codon_bias": 0.0},
            {"n": 600, "seed": 1, "min_length": 100, "max_length": 200},
            {"n": 600, "seed": 1, "substitutions": 0.1, "indels": 0.05},
        ],
        ids=["default", "uniform codons", "short", "noisy"],
    )
    def test_length_and_gc(self, settings: dict[str, float]) -> None:
        records = draw(**settings)
        labels = [record.coding for record in records]
        gc = np.array([gc_of(record) for record in records])
        assert roc_auc_score(labels, [len(record.codes) for record in records]) == pytest.approx(0.5)
        assert roc_auc_score(labels, gc) == pytest.approx(0.5, abs=0.05)
        # Nor does the spread: distance from the mean.
        assert roc_auc_score(labels, np.abs(gc - gc.mean())) == pytest.approx(0.5, abs=0.05)

    def test_partners_share_length_and_chromosome(
        self, coding: list[SimulatedRecord], noncoding: list[SimulatedRecord]
    ) -> None:
        for one, other in zip(coding, noncoding, strict=True):
            assert len(one.codes) == len(other.codes)
            assert other.cds == (0, 0)
            assert one.chromosome == other.chromosome


class TestNoise:
    @pytest.mark.parametrize("rate", [0.02, 0.3, 1.0])
    def test_substitutions(self, rate: float) -> None:
        clean, noisy = draw(n=50), draw(n=50, substitutions=rate)
        for wanted in (True, False):
            pairs = [(a.codes, b.codes) for a, b in zip(clean, noisy, strict=True) if a.coding is wanted]
            before, after = (np.concatenate(side) for side in zip(*pairs, strict=True))
            assert (before != after).mean() == pytest.approx(rate, abs=5 * math.sqrt(rate / len(before)))
            # Each of the three other bases equally often.
            for code in encode(BASES):
                shares = np.bincount(after[(before == code) & (after != code)], minlength=9)[[1, 2, 4, 8]]
                others = shares[shares > 0] / shares.sum()
                assert len(others) == 3
                assert others == pytest.approx(1 / 3, abs=0.08)
        assert [record.cds for record in clean] == [record.cds for record in noisy]

    def test_indels_keep_the_length_and_move_the_cds_along(self) -> None:
        clean, noisy = draw(n=100, indels=0.0), draw(n=100, indels=0.003)
        shifted = 0
        for before, after in zip(clean, noisy, strict=True):
            assert len(before.codes) == len(after.codes)
            if before.coding:
                assert 0 <= after.cds[0] < after.cds[1] <= len(after.codes)
                shifted += (after.cds[1] - after.cds[0]) % 3 != 0
        # Few enough indels that most ends survive: the interval still starts and stops there.
        coding = [record for record in noisy if record.coding]
        assert sum(decode(record.codes[record.cds[0] :]).startswith("ATG") for record in coding) > 90
        assert sum(decode(record.codes[: record.cds[1]])[-3:] in STOPS for record in coding) > 90
        assert shifted > 40

    def test_indel_rate(self) -> None:
        # Numbered "bases": a number that is gone was deleted, and what stands in for the length was inserted.
        numbered = np.arange(10, 100_010)
        shifted, _ = _shift(numbered, (0, 0), 0.03, np.random.default_rng(0))  # type: ignore[arg-type]
        kept = shifted[shifted >= 10]
        assert (np.diff(kept) > 0).all()
        assert len(kept) == pytest.approx(98_500, abs=200)
        assert len(shifted) == len(numbered)

    def test_indels_break_the_frame(self) -> None:
        open_frames = sum(
            not STOPS & set(codons_of(record)[:-1]) for record in draw(n=100, indels=0.02) if record.coding
        )
        assert open_frames < 20

    def test_all_at_once_at_full_rate(self) -> None:
        for record in draw(n=5, substitutions=1, indels=1, min_length=61, max_length=61):
            assert len(record.codes) == 61
            assert 0 <= record.cds[0] <= record.cds[1] <= 61


class TestSettings:
    def test_defaults(self) -> None:
        assert dataclasses.astuple(SimulationSettings()) == (2000, 700, 2000, 1.0, 0.0, 0.0, 0)

    @pytest.mark.parametrize(
        ("key", "value", "message"),
        [
            ("n", 0, "n: expected a whole number from 1 to 1000000, got 0"),
            ("n", 2.5, "n: expected a whole number .* got 2.5"),
            ("n", True, "n: expected a whole number .* got True"),
            ("min_length", 59, "min_length: expected a whole number from 60 to 100000, got 59"),
            ("max_length", 699, "max_length: expected a whole number from 700 to 100000, got 699"),
            ("codon_bias", -0.1, "codon_bias: expected a number from 0 to 1, got -0.1"),
            ("codon_bias", None, "codon_bias: expected a number from 0 to 1, got None"),
            ("substitutions", 1.01, "substitutions: expected a number from 0 to 1, got 1.01"),
            ("indels", math.nan, "indels: expected a number from 0 to 1, got nan"),
            ("seed", -1, "seed: expected a whole number from 0 to 4294967295, got -1"),
        ],
    )
    def test_out_of_range(self, key: str, value: object, message: str) -> None:
        with pytest.raises(InputError, match=f"^{message}$"):
            SimulationSettings(**{key: value})  # type: ignore[arg-type]

    def test_ends_of_the_ranges_are_allowed(self) -> None:
        SimulationSettings(n=1, min_length=60, max_length=60, codon_bias=0, substitutions=1, indels=1)
        SimulationSettings(n=1_000_000, min_length=100_000, max_length=100_000, seed=2**32 - 1)
