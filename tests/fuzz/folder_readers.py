"""Readers of what stopped calls leave behind, of files damaged below a checksum, and whole tasks over damaged data.

A task is loaded as training does it, up to its windows, so that lines are met which are in order one by one and not together.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import h5py
import numpy as np
from readers import FASTA, VCF, _genome, _hdf5, _prepared
from run_readers import AGAIN, READERS, Case, _chunk, _image, _run, reader

from classify.config import settings_from
from classify.headers import chromosomes_of, parse_header
from classify.splits import SplitSettings
from classify.tasks import TASKS
from specgen.arrays import as_fixed
from specgen.records import read_records

__all__ = ["AGAIN", "READERS", "Case"]


def again(make: Callable[[Path], Case]) -> Callable[[Path], Case]:
    """Decorator: a reader that is tried with the slow tests alone."""
    AGAIN.add(make.__name__)
    return reader(make)


# Files that are packed with a checksum, damaged below it.


def _zip(member: str, others: dict[str, bytes], form: int) -> Callable[[bytes], bytes]:
    """An archive with a damaged member and good ones."""

    def pack(data: bytes) -> bytes:
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", form) as archive:
            for name, body in {**others, member: data}.items():
                archive.writestr(zipfile.ZipInfo(name), body)
        return out.getvalue()

    return pack


def _members(packed: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _of_member(case: Case, ending: str) -> Case:
    """The same reader, with damage within a member of its archive."""
    members = _members(case.seeds[0])
    name = next(name for name in members if name.endswith(ending))
    pack = _zip(name, {key: body for key, body in members.items() if key != name}, zipfile.ZIP_STORED)
    return Case(case.path, [members[name]], case.read, text=False, pack=pack)


@again
def checkpoint_pickle(folder: Path) -> Case:
    """What ``last.ckpt`` says, in an archive that is whole."""
    return _of_member(READERS["checkpoint"](folder), "data.pkl")


@reader
def scanned_array(folder: Path) -> Case:
    """An array of a finished block, in an archive that is whole."""
    return _of_member(READERS["scanned_block"](folder), "starts.npy")


def _checked(data: bytes) -> bytes:
    """A PNG whose chunks have the checksums that they should have."""
    found, at = data[:8], 8
    while at + 8 <= len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        body = data[at + 8 : at + 8 + size]
        chunk = _chunk(data[at + 4 : at + 8], body)
        found += data[at : at + 4] + chunk[4:]
        at += 12 + size
    return found + data[at:]


@reader
def png_chunks(folder: Path) -> Case:
    """Damaged chunks with good checksums."""
    case = READERS["png"](folder)
    return Case(case.path, [_image("png"), *case.seeds[1:]], case.read, text=False, pack=_checked)


def _build(describe: Callable[[dict[str, Any], h5py.File], None]) -> Callable[[bytes], bytes]:
    """HDF5 by a description in JSON; whatever cannot be built is left as it is."""

    def pack(data: bytes) -> bytes:
        try:
            return _hdf5(lambda file: describe(json.loads(data), file))
        except Exception:
            return data

    return pack


def _dataset(group: Any, name: str, told: dict[str, Any]) -> None:
    shape = tuple(told["shape"])
    if int(np.prod(shape, dtype=object)) > 1 << 20:
        raise ValueError(shape)
    values = np.resize(np.array(told["values"]), shape).astype(told["dtype"])
    group.create_dataset(name, data=values, chunks=tuple(told["chunks"]) if told.get("chunks") else None)


@reader
def array_shapes(folder: Path) -> Case:
    """HDF5 with arrays of other shapes, types and values than DeepSEA's."""
    case = READERS["matlab_73"](folder)

    def describe(told: dict[str, Any], file: h5py.File) -> None:
        for name, array in told.items():
            _dataset(file, name, array)

    windows = {"shape": [6, 4, 9], "dtype": "u1", "values": [1, 0, 0, 0, 1], "chunks": [2, 4, 3]}
    labels = {"shape": [6, 3], "dtype": "f4", "values": [0, 1, 1], "chunks": None}
    seed = json.dumps({"x": windows, "y": labels}).encode()
    return Case(case.path, [seed, seed.replace(b"[2, 4, 3]", b"null")], case.read, pack=_build(describe))


@reader
def prepared_contents(folder: Path) -> Case:
    """A prepared file whose attributes and columns are others than they should be."""
    case = READERS["prepared_set"](folder)
    good = h5py.File(io.BytesIO(_hdf5(_prepared)), "r")
    contig = good["contigs/0"]
    columns = {
        name: {"shape": list(item.shape), "dtype": item.dtype.str, "values": np.ravel(item[...])[:3].tolist()}
        for name, item in contig.items()
    }
    attributes = {key: value.decode() if isinstance(value, bytes) else int(value) for key, value in good.attrs.items()}
    seed = {"attributes": attributes, "genes": ["G1", "G2"], "name": "c1", "length": 240, "columns": columns}

    def describe(told: dict[str, Any], file: h5py.File) -> None:
        for key, value in told["attributes"].items():
            file.attrs[key] = as_fixed([value])[0] if isinstance(value, str) else value
        file.create_dataset("genes", data=as_fixed(told["genes"]))
        group = file.create_group("contigs/0")
        group.attrs["name"], group.attrs["length"] = as_fixed([told["name"]])[0], told["length"]
        for name, column in told["columns"].items():
            _dataset(group, name, column)

    return Case(case.path, [json.dumps(seed).encode()], case.read, pack=_build(describe))


@reader
def barcodes_told(folder: Path) -> Case:
    """What the arrays of barcodes.safetensors are said to be."""
    from safetensors.numpy import save

    from classify.barcodes import read_barcodes

    told = json.dumps({"ids": ["a", "b"], "names": ["x"], "labels_in_all": 1}).encode()
    arrays = {
        "truth": np.ones((2, 1), np.int8),
        "probabilities": np.ones((3, 2, 1), np.float32),
        "codes": np.ones((2, 9), np.uint8),
    }

    def pack(data: bytes) -> bytes:
        return save(arrays, metadata={"barcodes": data.decode("utf-8", "replace")})

    return Case(folder / "x.safetensors", [told], read_barcodes, pack=pack)


# Headers, and indices beside genomes.


@reader
def headers(folder: Path) -> Case:
    """Genes, chromosomes and places in FASTA headers."""
    seed = b""">ENST1.2 cds chromosome:GRCh38:1:100:200:-1 gene:ENSG1.1 gene_symbol:X
ACGT
>ENST2.1|ENSG2.3|OTTHUMG1|-|X-201|X|1657|lncRNA|
ACGT
>hg38_knownGene_ENST3.1 range=chr1:11-90 5'pad=0 3'pad=0 strand=+ repeatMasking=none
ACGT
>chr2:100-200(+)
ACGT
"""

    def read(path: Path) -> None:
        chromosomes_of([parse_header(record.header).chromosome for record in read_records(path)])

    return Case(folder / "x.fa", [seed], read)


@reader
def bgzip_index(folder: Path) -> Case:
    """The ``.gzi`` of a bgzip genome that is good."""
    case = READERS["bgzip_genome"](folder)
    case.path.write_bytes(case.seeds[0])
    index = Path(f"{case.path}.gzi")
    return Case(index, [index.read_bytes()], lambda path: case.read(case.path), text=False)


# Whole tasks.


def _load(task: str, data: dict[str, Any]) -> None:
    """Load a task and cut its windows, as training and test do."""
    from classify.datasets import TileDataset

    settings = settings_from({"task": task, "model": "deepbind", "data": data}, "train")
    examples = TASKS[task](settings.data).load()
    for part in ("train", "val", "test"):
        windows = TileDataset(examples.part(part), 2)
        if len(windows):
            windows.__getitems__(range(min(8, len(windows))))


def _random(length: int, seed: int) -> str:
    return "".join("ACGT"[i] for i in np.random.default_rng(seed).integers(0, 4, length))


def _random_genome(folder: Path) -> str:
    """Two contigs of 2,000 nt without copies."""
    path = folder / "genome.fa"
    path.write_text(f">c1\n{_random(2000, 1)}\n>c2\n{_random(2000, 2)}\n")
    return str(path)


def _transcripts(count: int, letter: str) -> bytes:
    rows = (
        f">r{i} gene:{letter}{i} chromosome:c{i % 5}\n{_random(40 + i % 3, i + 100 * ord(letter))}\n"
        for i in range(count)
    )
    return "".join(rows).encode()


@again
def coding_task(folder: Path) -> Case:
    """Task ``coding`` of two FASTA files."""
    (folder / "noncoding.fa").write_bytes(_transcripts(40, "L"))
    data = {"coding": [str(folder / "x.fa")], "noncoding": [str(folder / "noncoding.fa")], "length": 12}
    return Case(folder / "x.fa", [_transcripts(40, "G")], lambda path: _load("coding", data))


@again
def tfbs_peaks_task(folder: Path) -> Case:
    """Task ``tfbs`` of peaks over a genome."""
    genome = _random_genome(folder)
    split = {"val_fraction": 0.3, "test_fraction": 0.3}
    peaks = {
        "files": [str(folder / "x.narrowPeak")],
        "genome": genome,
        "block": 40,
        "gap": 0,
        "merge": 0,
        "distance": 1,
    }
    data = {"peaks": peaks, "window": 11, "negatives": ["shuffled", "gc", "flanks"], "split": split}
    rows = b"".join(b"c%d\t%d\t%d\tp\t900\t.\t12.5\t3.1\t-1\t6\n" % (1 + i % 2, 40 * i, 40 * i + 12) for i in range(48))
    return Case(folder / "x.narrowPeak", [rows], lambda path: _load("tfbs", data))


@again
def tfbs_table_task(folder: Path) -> Case:
    """Task ``tfbs`` of a table."""
    rows = "".join(f"r{i},{_random(12 + i % 3, i)},{i % 2}\n" for i in range(60))
    data = {"train": [str(folder / "x.csv")], "window": 11, "split": {"val_fraction": 0.3, "test_fraction": 0.3}}
    return Case(folder / "x.csv", [f"name,sequence,label\n{rows}".encode()], lambda path: _load("tfbs", data))


@again
def chromatin_tracks_task(folder: Path) -> Case:
    """Task ``chromatin`` of tracks of peaks."""
    genome = _random_genome(folder)
    tracks = {"files": [str(folder / "x.bed")], "genome": genome, "block": 40, "gap": 0, "bin": 10}
    data = {"tracks": tracks, "window": 11, "split": {"val_fraction": 0.3, "test_fraction": 0.3}}
    rows = b"".join(b"c%d\t%d\t%d\tt%d\n" % (1 + i % 2, 4 * i, 4 * i + 12, i % 3) for i in range(50))
    return Case(folder / "x.bed", [rows], lambda path: _load("chromatin", data))


@again
def chromatin_table_task(folder: Path) -> Case:
    """Task ``chromatin`` of a table with a column for each label."""
    rows = "".join(f"r{i}\t{_random(12, i)}\t{i % 2}\t{['NA', '1', '0'][i % 3]}\n" for i in range(50))
    data = {"train": [str(folder / "x.tsv")], "window": 8, "split": {"val_fraction": 0.3, "test_fraction": 0.3}}
    return Case(
        folder / "x.tsv", [f"id\tsequence\tCTCF\tDNase\n{rows}".encode()], lambda path: _load("chromatin", data)
    )


@again
def language_task(folder: Path) -> Case:
    """Task ``language`` of a genome."""
    text = f">c1\n{_random(1200, 1)}\n>c2\n{_random(800, 2)}\n".encode()
    data = {"genomes": [str(folder / "x.fa")], "window": 50, "context": 5, "blocks": 12, "every": 3, "gap": 5}
    return Case(folder / "x.fa", [text], lambda path: _load("language", data))


def _preparation(folder: Path, name: str, seed: bytes) -> Case:
    from classify.exons.preparing import prepare
    from classify.exons.settings import PrepareSettings

    genome, split = _random_genome(folder), SplitSettings(val_fraction=0.3, test_fraction=0.3)
    settings = PrepareSettings(
        genome=genome, annotation=str(folder / name), out=str(folder / "out.h5"), width=11, split=split
    )
    return Case(folder / name, [seed], lambda path: prepare(settings, progress=False))


def _transcribed(form: str) -> bytes:
    """Exons of many genes, on both strands of two contigs."""
    rows = []
    for i in range(30):
        contig, strand, low = f"c{1 + i % 2}", "+-"[i % 2], 12 + 60 * i
        for part, (begin, end) in enumerate(((low, low + 9), (low + 20, low + 34))):
            told = f'gene_id "G{i}"; transcript_id "T{i}";' if form == "gtf" else f"ID=e{i}_{part};Parent=T{i}"
            rows.append(f"{contig}\tsrc\texon\t{begin}\t{end}\t.\t{strand}\t.\t{told}")
        if form == "gff3":
            rows.append(f"{contig}\tsrc\tmRNA\t{low}\t{low + 34}\t.\t{strand}\t.\tID=T{i};Parent=G{i}")
            rows.append(f"{contig}\tsrc\tgene\t{low}\t{low + 34}\t.\t{strand}\t.\tID=G{i}")
    return ("\n".join(rows) + "\n").encode()


@again
def prepared_from_gtf(folder: Path) -> Case:
    """``prepare`` as a whole."""
    return _preparation(folder, "x.gtf", _transcribed("gtf"))


@again
def prepared_from_gff3(folder: Path) -> Case:
    return _preparation(folder, "x.gff3", _transcribed("gff3"))


@again
def vcf_effects(folder: Path) -> Case:
    """``effects`` as a whole, with a network that is there once."""
    from classify import evaluation
    from classify.effects import effects as module
    from classify.effects.settings import EffectsSettings

    genome = str(_genome(folder, index=False))
    (folder / "run").mkdir()
    _run(folder / "run")
    loaded = evaluation.load_run(folder / "run")

    def read(path: Path) -> None:
        with patch.object(module, "load_reader", return_value=loaded):
            module.effects(folder / "run", str(path), genome, str(folder / "out"), EffectsSettings(), progress=False)

    return Case(folder / "x.vcf", [VCF], read)


@again
def predicted_records(folder: Path) -> Case:
    """``predict`` as a whole, with a network that is there once."""
    from classify import evaluation, prediction

    (folder / "run").mkdir()
    _run(folder / "run")
    loaded = evaluation.load_run(folder / "run")
    records = FASTA + b">long\n" + b"ACGTTGCA" * 20 + b"\n"

    def read(path: Path) -> None:
        with patch.object(prediction, "load_reader", return_value=loaded):
            prediction.predict(folder / "run", str(path), str(folder / "out.csv"), progress=False)

    return Case(folder / "x.fa", [records], read)


# Stopped calls.


def _growing(folder: Path) -> Callable[[Path], object]:
    """Goes on with a table of predictions."""
    from classify.growing import GrowingTable

    def read(path: Path) -> None:
        with GrowingTable(str(folder / "out.csv"), ["id", "p"], {"input": "a", "tiles": [1, 2]}) as rows:
            for _ in range(3):
                if not rows.skip(2):
                    rows.write([["x", 0.5], ["y", 0.5]])

    return read


_PART = b"id,p\nx,0.5\ny,0.5\nx,0.5\n"


@reader
def prediction_part(folder: Path) -> Case:
    """``<out>.part`` of a stopped ``predict``."""
    read = _growing(folder)

    def both(path: Path) -> None:
        (folder / "out.csv.part.json").write_text(json.dumps({"input": "a", "tiles": [1, 2]}))
        read(path)

    return Case(folder / "out.csv.part", [_PART], both)


@reader
def prediction_pins(folder: Path) -> Case:
    """What ``<out>.part`` was made from."""
    read = _growing(folder)

    def both(path: Path) -> None:
        (folder / "out.csv.part").write_bytes(_PART)
        read(path)

    return Case(folder / "out.csv.part.json", [b'{"input": "a", "tiles": [1, 2]}\n'], both)


@reader
def scan_pins(folder: Path) -> Case:
    """What the blocks of a stopped scan were made from."""
    from classify.scanning.parts import scan_blocks

    genome = _genome(folder, index=False)
    pins = {"genome": "a", "settings": {"step": 1}}
    scored = SimpleNamespace(passes=1, settings=SimpleNamespace(step=1))

    def read(path: Path) -> None:
        scan_blocks(scored, str(genome), [], None, folder, pins, progress=False)  # type: ignore[arg-type]

    return Case(folder / "made_from.json", [json.dumps(pins).encode()], read)


@reader
def best_checkpoint(folder: Path) -> Case:
    """``best.ckpt``, from which the weights of a finished training come."""
    import torch

    from classify.building import build_classifier
    from classify.hardware import choose
    from classify.training import _write_weights

    run, settings = _run(folder)
    run.best.parent.mkdir()
    module = build_classifier(settings, TASKS["coding"](settings.data), "codes", choose(settings.training))
    out = io.BytesIO()
    torch.save({"state_dict": module.state_dict(), "decided": {}}, out)
    return Case(run.best, [out.getvalue()], lambda path: _write_weights(run, module), text=False)


@reader
def best_checkpoint_pickle(folder: Path) -> Case:
    """What ``best.ckpt`` says, in an archive that is whole."""
    return _of_member(READERS["best_checkpoint"](folder), "data.pkl")
