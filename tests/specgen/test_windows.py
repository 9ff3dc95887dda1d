"""Windows and shards: every window once, in order, whatever the size of a shard."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from specgen import windows as module
from specgen.errors import InputError
from specgen.records import Record
from specgen.selection import WindowSettings
from specgen.sequences import crop_start, encode, tile_starts
from specgen.windows import ROW, Source, Tally, count_windows, cut_shards, safe_name

PLAIN = WindowSettings(length=20, trim=0, place="tiles")


def record(name: str, length: int, seed: int = 0) -> Record:
    codes = (1 << np.random.default_rng([seed, length]).integers(0, 4, length)).astype(np.uint8)
    return Record(name, f"{name} of {length} nt", codes)


def source(records: list[Record], label: str = "A", target: int = 0) -> Source:
    return Source(f"{label}.fa", label, target, lambda: iter(records))


def flat(sources: list[Source], settings: WindowSettings, size: int) -> list[tuple[object, ...]]:
    found = []
    for shard in cut_shards(sources, settings, size, Tally()):
        for row, name, codes in zip(shard.rows(), shard.names(), shard.codes, strict=True):
            found.append((shard.label, shard.source, *row, name, codes.tobytes()))
    return found


class TestShards:
    @given(
        st.lists(st.integers(1, 120), max_size=12), st.integers(1, 30), st.sampled_from(["tiles", "centre", "random"])
    )
    def test_no_window_is_lost_or_doubled(self, lengths: list[int], size: int, place: str) -> None:
        records = [record(f"r{i}", length) for i, length in enumerate(lengths)]
        sources = [source(records), source(records[::-1], "B", 1)]
        settings = replace(PLAIN, place=place, trim=2, stride=7)
        shards = list(cut_shards(sources, settings, size, Tally()))
        assert [shard.number for shard in shards] == list(range(len(shards)))
        assert all(len(shard) <= size for shard in shards)
        # Only the last shard of an input may be smaller.
        assert all(len(a) == size for a, b in itertools.pairwise(shards) if a.label == b.label)
        assert flat(sources, settings, size) == flat(sources, settings, 10_000)
        names = [f"{shard.path}/{name}" for shard in shards for name in shard.names()]
        assert len(set(names)) == len(names)
        assert count_windows(sources, settings).windows == len(names)

    def test_each_window_is_where_it_says(self) -> None:
        records = [record("a", 95), record("b", 19), record("c", 41)]
        settings = replace(PLAIN, trim=3, stride=5)
        letters = {entry.name: entry.codes for entry in records}
        tally = Tally()
        for shard in cut_shards([source(records)], settings, 4, tally):
            for row, codes in zip(shard.rows(), shard.codes, strict=True):
                told = dict(zip(ROW, row, strict=True))
                start = int(told["start"])
                np.testing.assert_array_equal(codes, letters[str(told["record"])][start : start + 20])
                assert told["header"] == f"{told['record']} of {len(letters[str(told['record'])])} nt"
                assert told["length"] == 20
        assert tally.too_short == 1
        assert tally.windows == len(tile_starts(89, 20, stride=5)) + len(tile_starts(35, 20, stride=5))

    def test_centre_and_random_places(self) -> None:
        (centre,) = cut_shards([source([record("a", 95)])], replace(PLAIN, place="centre"), 4, Tally())
        assert centre.starts.tolist() == [crop_start(95, 20)]
        settings = replace(PLAIN, place="random", seed=3)
        many = [record(f"r{i}", 95) for i in range(50)]
        (a,), (b,) = (list(cut_shards([source(many)], settings, 50, Tally())) for _ in range(2))
        assert a.starts.tolist() == b.starts.tolist()
        assert len(set(a.starts.tolist())) > 20

    def test_long_records_come_in_slices(self, monkeypatch: pytest.MonkeyPatch) -> None:
        whole = flat([source([record("a", 500)])], replace(PLAIN, stride=1), 64)
        monkeypatch.setattr(module, "SLICE", 7)
        assert flat([source([record("a", 500)])], replace(PLAIN, stride=1), 64) == whole
        assert len(whole) == 481

    def test_runs_of_n_are_left_out_and_counted(self) -> None:
        gap = Record("gap", "gap", encode("ACGT" * 10 + "N" * 40 + "ACGT" * 10))
        tally = Tally()
        settings = replace(PLAIN, stride=10, ambiguous=0.5)
        starts = [int(s) for shard in cut_shards([source([gap])], settings, 99, tally) for s in shard.starts]
        assert starts == [0, 10, 20, 30, 70, 80, 90, 100]
        assert (tally.windows, tally.ambiguous) == (8, 3)
        assert count_windows([source([gap])], settings).ambiguous == 3

    def test_other_letters_another_digest(self) -> None:
        (shard,) = cut_shards([source([record("a", 60)])], PLAIN, 9, Tally())
        codes = shard.codes.copy()
        codes[1, 3] ^= 3
        changed = [
            replace(shard, codes=codes),
            replace(shard, starts=shard.starts + 1),
            replace(shard, source="other.fa"),
            replace(shard, records=((1, "a", "another header"),)),
            replace(shard, number=1),
        ]
        assert len({shard.digest(), *(other.digest() for other in changed)}) == 6
        assert replace(shard).digest() == shard.digest()


class TestSettings:
    @pytest.mark.parametrize("share", [-0.1, 1.1])
    def test_ambiguous_is_a_share(self, share: float) -> None:
        with pytest.raises(InputError, match=r"windows\.ambiguous: expected a share from 0 to 1"):
            WindowSettings(ambiguous=share)


@given(st.text(max_size=90))
def test_names_that_are_safe(text: str) -> None:
    name = safe_name(text)
    assert name.isascii()
    assert name == safe_name(text)
    assert not name.startswith((".", "-"))
    assert not set(name) & set("/\\ \0\n")
    assert 0 < len(name) <= 69
