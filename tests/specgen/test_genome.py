"""Sequences by name, with and without an index; in pieces; indices that do not fit."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pysam
import pytest

from specgen import genome
from specgen.errors import InputError
from specgen.genome import Genome, read_contigs, sequence_lengths
from specgen.sequences import decode

SEQUENCES = {"one": "ACGTNacgtnRYK" * 9, "two": "TTT", "three": "GATTACA" * 11}


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    path = tmp_path / "genome.fa"
    wrapped = {name: "\n".join(text[i : i + 10] for i in range(0, len(text), 10)) for name, text in SEQUENCES.items()}
    path.write_text("".join(f">{name} said\n{text}\n" for name, text in wrapped.items()))
    return path


def forms(plain: Path) -> list[str]:
    """The same genome streamed, indexed, packed, and packed in blocks with an index."""
    packed, block, indexed = (plain.with_name(name) for name in ("p.fa.gz", "b.fa.gz", "i.fa"))
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    pysam.tabix_compress(str(plain), str(block))
    indexed.write_bytes(plain.read_bytes())
    pysam.faidx(str(block))
    pysam.faidx(str(indexed))
    return [str(plain), str(indexed), str(packed), str(block)]


def test_every_form_gives_the_same(plain: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(genome, "_PIECE", 7)
    for path in forms(plain):
        assert sequence_lengths(path) == {name: len(text) for name, text in SEQUENCES.items()}
        found = {}
        for name, length, fetch in read_contigs(path, {"three", "one"}):
            found[name] = decode(fetch(0, length))
            assert decode(fetch(3, 20)) == found[name][3:20]
            assert decode(fetch(5, 5)) == ""
        assert list(found.items()) == [(name, SEQUENCES[name].upper()) for name in ("one", "three")]


def test_sequences_in_any_order(plain: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    openings: list[str] = []
    read = genome.read_records
    monkeypatch.setattr(genome, "read_records", lambda path: openings.append(path) or read(path))
    for path in forms(plain):
        openings.clear()
        with Genome(path) as some:
            assert some.lengths == {name: len(text) for name, text in SEQUENCES.items()}
            for name in ("two", "three", "three", "one", "three", "two"):
                fetch = some.sequence(name)
                assert decode(fetch(0, some.lengths[name])) == SEQUENCES[name].upper()
                assert decode(fetch(1, 3)) == SEQUENCES[name].upper()[1:3]
            with pytest.raises(InputError, match="has no sequence 'four'"):
                some.sequence("four")
        # Lengths; on to "three"; back to "one"; on; back to "two".
        assert len(openings) == (0 if some.indexed else 4)


def test_a_genome_that_changes_while_it_is_read(plain: Path) -> None:
    with Genome(str(plain)) as some:
        plain.write_text(">one\nACGT\n")
        for name in ("one", "three"):
            with pytest.raises(InputError, match=f"changed while it was read; '{name}'"):
                some.sequence(name)


def test_gzip_beside_an_index(plain: Path) -> None:
    path = plain.with_name("p.fa.gz")
    path.write_bytes(gzip.compress(plain.read_bytes()))
    pysam.faidx(str(plain))
    os.rename(f"{plain}.fai", f"{path}.fai")
    for read in (sequence_lengths, lambda name: list(read_contigs(name, {"one"}))):
        with pytest.raises(InputError, match=r"p\.fa\.gz: is gzip and not bgzip, so p\.fa\.gz\.fai cannot serve"):
            read(str(path))


def test_an_index_of_another_genome(plain: Path) -> None:
    Path(f"{plain}.fai").write_text("one\t100000\t10\t10\t11\n")
    ((_, length, fetch),) = read_contigs(str(plain), {"one"})
    with pytest.raises(InputError, match=r"genome\.fa: one(:\d+-\d+ is not all there| cannot be read|:.*letter)"):
        fetch(0, length)


def test_an_index_older_than_its_genome(plain: Path) -> None:
    pysam.faidx(str(plain))
    os.utime(f"{plain}.fai", (1, 1))
    with pytest.raises(InputError, match="is older than the genome; make it anew with samtools faidx, or remove it"):
        sequence_lengths(str(plain))
