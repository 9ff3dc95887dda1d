"""Readers of settings, cards, pictures, networks and run folders, beside those in ``readers``; all are in READERS."""

from __future__ import annotations

import dataclasses
import gzip
import io
import json
import struct
import tarfile
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import h5py
import numpy as np
from PIL import Image
from readers import AGAIN, READERS, Case, _hdf5, reader

from classify.cards import load_card
from classify.checksums import listed
from classify.config import parse_run, settings_from, to_yaml
from classify.downloading import Pins
from classify.partial import Part as Partial
from classify.pictures import read_picture, scan_folder
from classify.reporting.answered import PositionRun, read_labels, read_sums
from classify.reporting.finished import read_finished
from classify.runs import RunFolder, to_csv
from classify.splits import SplitSettings
from classify.sweeping.space import base_settings, check_space, read_space
from specgen.errors import InputError
from specgen.files import read_json
from specgen.ledger import Ledger, check_pinned
from specgen.outputs import open_pictures
from specgen.parser import load_settings
from specgen.png import encode_png, read_png_metadata, text_chunks
from specgen.verification import verify

__all__ = ["AGAIN", "READERS", "Case"]


CONFIG = b"""task: coding
model: conv5
seed: 3
model_options: {dropout: 0.3}
data:
  length: 300
  coding: [a.fa, 'b.fa']
  noncoding: [c.fa]
  classes: &names [LNSD, CDN]
  split: {strategy: gene, test_fraction: 0.25, test_chromosomes: []}
image:
  palette: viridis
training:
  epochs: 3  # few
  precision: "32-true"
optimiser: {lr: 1.0e-3, weight_decay: 0}
"""


@reader
def run_config(folder: Path) -> Case:
    """``--config``."""
    whole = to_yaml(settings_from({}, "train")).encode()  # as in a run folder
    return Case(folder / "x.yaml", [CONFIG, whole], lambda path: parse_run(["--config", str(path)], "train", ""))


@reader
def settings_file(folder: Path) -> Case:
    """The YAML of every command, up to the mapping."""
    return Case(
        folder / "x.yaml", [CONFIG, b"a: 1\nb: [1, 2.5, x, null, 2001-01-01]\n"], lambda path: load_settings(str(path))
    )


@reader
def sweep_config(folder: Path) -> Case:
    """What ``classify sweep`` makes of its file."""
    seed = b"base: {model: conv5, data: {length: 300}}\n"
    seed += b"space:\n  optimiser.lr: {low: 1.0e-4, high: 1.0e-2, log: true}\n  seed: [0, 1]\n"

    def read(path: Path) -> None:
        body = load_settings(str(path))
        space = body.get("space", {})
        if not isinstance(space, dict):
            raise InputError(f"{path}: space: expected a mapping")  # jsonargparse's business
        check_space(base_settings(body.get("base", {})), read_space(space))

    return Case(folder / "x.yaml", [seed], read)


CARD = b"""name: x
title: a title
organism: yeast
assembly: R64
release: '1'
licence: CC0
citation: nobody
labels: {CDN: coding}
files:
  - name: x.fa.gz
    url: https://example.org/x.fa.gz
    bsd_sum: 00123 45
    bytes: 45000
  - name: y.csv
    md5: d41d8cd98f00b204e9800998ecf8427e
leaks: {controlled: [length], left: []}
"""


@reader
def dataset_card(folder: Path) -> Case:
    return Case(folder / "x.yaml", [CARD], load_card)


@reader
def checksum_list(folder: Path) -> Case:
    """A publisher's list, read as ``download`` does."""
    seed = b"11885 860561 x.fa.gz\n00001 2 ./y.fa.gz\n"

    def read(path: Path) -> str:
        return listed(path.read_text(encoding="utf-8", errors="replace"), "x.fa.gz", "bsd_sum", "list")

    return Case(folder / "CHECKSUMS", [seed], read)


@reader
def lock_file(folder: Path) -> Case:
    """``<card>.lock.json``."""
    pin = {
        "url": "https://example.org/x",
        "bytes": 3,
        "sha256": "0" * 64,
        "checked": "md5",
        "etag": "",
        "last_modified": "",
    }
    seed = json.dumps({"format": "classify/download", "version": 1, "files": {"x": pin}}).encode()
    return Case(folder / "x.lock.json", [seed], lambda path: Pins(path).read())


@reader
def part_record(folder: Path) -> Case:
    """What is known of a broken download."""
    url = "https://example.org/x"
    seed = json.dumps({"url": url, "etag": '"1"', "last_modified": "", "total": 9}).encode()

    def read(path: Path) -> None:
        (folder / "x.part").write_bytes(b"abc")
        Partial(folder / "x.part", url)

    return Case(folder / "x.part.json", [seed], read)


def _image(form: str, **options: Any) -> bytes:
    out = io.BytesIO()
    pixels = (np.arange(17 * 13 * 3) * 7 % 256).astype(np.uint8).reshape(17, 13, 3)
    Image.fromarray(pixels).save(out, form, **options)
    return out.getvalue()


def _chunk(kind: bytes, body: bytes) -> bytes:
    import zlib

    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _huge_png(side: int) -> bytes:
    """Few bytes that say that they are a picture of side x side."""
    import zlib

    head = _chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
    packer = zlib.compressobj(9)
    row = bytes(1 + 3 * side)
    body = b"".join(packer.compress(row * 64) for _ in range(2)) + packer.flush()
    return b"\x89PNG\r\n\x1a\n" + head + _chunk(b"IDAT", body) + _chunk(b"IEND", b"")


@reader
def png(folder: Path) -> Case:
    ours = encode_png(np.full((224, 224, 3), 9, dtype=np.uint8), text_chunks({"record": "r1"}))
    packed_text = _chunk(b"zTXt", b"a\0\0" + gzip.zlib.compress(b"A" * (1 << 26)))  # type: ignore[attr-defined]
    whole = _image("png")

    def read(path: Path) -> None:
        read_png_metadata(path)
        read_picture((path, -1))

    def bombs() -> list[bytes]:
        return [_huge_png(13_000), _huge_png(60_000), whole[:33] + packed_text + whole[33:]]

    return Case(folder / "x.png", [whole, ours], read, text=False, bombs=bombs)


@reader
def jpeg(folder: Path) -> Case:
    seeds = [_image("jpeg"), _image("jpeg", progressive=True)]
    return Case(folder / "x.jpg", seeds, lambda path: read_picture((path, -1)), text=False)


def _pictures(path: Path) -> None:
    for place in range(min(len(open_pictures(path)), 3)):
        read_picture((path, place))


def _fresh(path: Path) -> None:
    """As a process that opens the file for the first time."""
    from specgen import outputs

    outputs._opened.cache_clear()
    _pictures(path)


def _shard_pixels() -> Any:
    return (np.arange(2 * 8 * 8 * 3) % 256).astype(np.uint8).reshape(2, 8, 8, 3)


@reader
def pictures_npy(folder: Path) -> Case:
    out = io.BytesIO()
    np.save(out, _shard_pixels())
    return Case(folder / "x.npy", [out.getvalue()], _fresh, text=False)


@reader
def pictures_hdf5(folder: Path) -> Case:
    def write(file: h5py.File) -> None:
        file["pictures"] = _shard_pixels()

    def large(file: h5py.File) -> None:
        file.create_dataset(
            "pictures", (1 << 30, 1 << 20, 1 << 20, 3), "u1", chunks=(1, 1 << 10, 1 << 10, 3), compression="gzip"
        )

    return Case(folder / "x.h5", [_hdf5(write)], _fresh, text=False, bombs=lambda: [_hdf5(large)])


@reader
def pictures_tar(folder: Path) -> Case:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, body in (("a.png", _image("png")), ("a.cls", b"0"), ("b.jpg", _image("jpeg"))):
            member = tarfile.TarInfo(name)
            member.size = len(body)
            tar.addfile(member, io.BytesIO(body))
    return Case(folder / "x.tar", [out.getvalue()], _fresh, text=False)


@reader
def picture_manifest(folder: Path) -> Case:
    """``manifest.csv`` of a folder of pictures."""
    for name in ("a", "b"):
        (folder / name).mkdir()
        (folder / name / "1.png").write_bytes(_image("png"))
    seed = (
        b"file,index,source,record,class,header,start,length\na/1.png,0,x.fa,r1,a,r1 range=chr1:5-90 strand=+,0,60\n"
        b'b/1.png,0,x.fa,r2,b,"r2 gene:G2",0,60\n'
    )
    split = SplitSettings()
    return Case(folder / "manifest.csv", [seed], lambda path: scan_folder(folder, ("a", "b"), None, split))


@reader
def vectors(folder: Path) -> Case:
    """``.npy`` of k-mer vectors."""
    from classify.models.kmers import read_vectors

    out = io.BytesIO()
    np.save(out, np.ones((64, 3), dtype=np.float32))
    return Case(folder / "x.npy", [out.getvalue()], lambda path: read_vectors(str(path)), text=False)


def _run(folder: Path) -> tuple[RunFolder, Any]:
    """A folder of a small network that was never trained."""
    from safetensors.torch import save

    from classify.building import build_classifier
    from classify.hardware import choose
    from classify.tasks import TASKS

    settings = settings_from({"model": "deepbind", "data": {"length": 60}, "training": {"threads": 1}}, "train")
    run = RunFolder(folder)
    run.config.write_text(to_yaml(settings))
    network = build_classifier(settings, TASKS["coding"](settings.data), "codes", choose(settings.training)).model
    run.weights.write_bytes(save({key: value.contiguous() for key, value in network.state_dict().items()}))
    return run, settings


@reader
def weights(folder: Path) -> Case:
    """``model.safetensors`` of a run."""
    from classify import evaluation

    run, settings = _run(folder)

    def read(path: Path) -> None:
        with patch.object(evaluation, "run_settings", return_value=settings):  # good, and slow to parse
            evaluation.load_run(folder)

    return Case(run.weights, [run.weights.read_bytes()], read, text=False)


def _state() -> dict[str, Any]:
    """What a checkpoint of a small network says."""
    import torch

    history = {"rows": [[1, 0.5, 0.5]], "spent": {"wall_seconds": 1.0}, "seen": 3, "begun": {}}
    callbacks = {"History": history, "EarlyStopping{'monitor': 'val_auroc'}": {"wait_count": 1, "patience": 3}}
    position = {"batches": 0, "sums": [0.0, 0.0, 0.0], "processes": 1}
    state = {"epoch": 1, "global_step": 3, "state_dict": {"w": torch.ones(3, 2)}, "loops": {}, "callbacks": callbacks}
    return {**state, "optimizer_states": [], "lr_schedulers": [], "decided": {}, "position": position}


def _gone_on(run: RunFolder, settings: Any) -> Callable[[Path], object]:
    """Up to where the network is restored."""
    from classify.callbacks import History
    from classify.folders import check_folder, stopped_early

    def read(path: Path) -> None:
        if (state := check_folder(run, settings, True, False)) is not None:
            history = History(run, SimpleNamespace(examples=9))  # type: ignore[arg-type]
            history.load_state_dict(state["callbacks"]["History"])
            stopped_early(state)

    return read


@reader
def checkpoint(folder: Path) -> Case:
    """``last.ckpt``, up to where training would go on."""
    import torch

    run, settings = _run(folder)
    run.last.parent.mkdir()
    out = io.BytesIO()
    torch.save(_state(), out)

    return Case(run.last, [out.getvalue()], _gone_on(run, settings), text=False)


@reader
def resumed_config(folder: Path) -> Case:
    """``config.yaml`` beside a checkpoint."""
    import torch

    run, settings = _run(folder)
    run.last.parent.mkdir()
    torch.save(_state(), run.last)
    return Case(run.config, [run.config.read_bytes()], _gone_on(run, settings))


def _hub(folder: Path) -> dict[str, bytes]:
    _, settings = _run(folder)
    told = json.dumps({"format": 1, "library": "specgen", "run": dataclasses.asdict(settings)}, indent=1).encode()
    for name, data in (("config.json", told), ("README.md", b"---\ntags: [dna]\n---\n# Card\n")):
        (folder / name).write_bytes(data)
    return {name: (folder / name).read_bytes() for name in ("config.json", "README.md", "model.safetensors")}


def _from_hub(folder: Path, settings: Any = None) -> Callable[[Path], object]:
    """Reads the folder; with ``settings`` those of config.json, which are good, are not parsed again, which is slow."""
    from classify import pretrained

    def read(path: Path) -> None:
        with patch.object(pretrained, "settings_from", return_value=settings) if settings else nullcontext():
            pretrained.PretrainedClassifier.from_pretrained(folder, local_files_only=True)

    return read


@reader
def hub_config(folder: Path) -> Case:
    return Case(folder / "config.json", [_hub(folder)["config.json"]], _from_hub(folder))


@reader
def hub_weights(folder: Path) -> Case:
    seed = _hub(folder)["model.safetensors"]
    return Case(folder / "model.safetensors", [seed], _from_hub(folder, _run(folder)[1]), text=False)


@reader
def model_card(folder: Path) -> Case:
    """README.md of a hub folder."""
    seed = _hub(folder)["README.md"]
    return Case(folder / "README.md", [seed], _from_hub(folder, _run(folder)[1]))


def _finished(folder: Path) -> None:
    from classify.metrics import summary

    labels, groups = np.array([0, 1, 1, 0, 1, 0]), np.array(list("abcdef"))
    chances = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.7, 0.3], [0.1, 0.9], [0.4, 0.6]])
    body = {
        "task": "coding", "model": "deepbind", "name": "x", "split": "test",
        "training": {"best_epoch": 1}, "cost": {"wall_seconds": 1.5}, "data": {"records_read": 6},
        **summary(labels, chances, groups, ["LNSD", "CDN"], 1, 0),
    }  # fmt: skip
    run = RunFolder(folder)
    run.config.write_bytes(b"task: coding\nmodel: deepbind\nseed: 0\ndata:\n  length: 60\n")
    run.write_json("metrics.json", body)
    rows = [
        (f"r{i}", groups[i], ["LNSD", "CDN"][labels[i]], ["LNSD", "CDN"][chances[i].argmax()], *chances[i])
        for i in range(6)
    ]
    run.write_csv("predictions.csv", ("id", "group", "label", "predicted", "p_LNSD", "p_CDN"), rows)
    history = [(e, 0.5, 0.7, 0.6, 0.6, 0.7, 1e-3, 1.0, 1.0) for e in (0, 1)]
    columns = [
        "epoch",
        "train_loss",
        "train_accuracy",
        "val_loss",
        "val_accuracy",
        "val_auroc",
        "lr",
        "seconds",
        "cpu_seconds",
    ]
    run.write_csv("metrics.csv", columns, history)


def _of_finished(folder: Path, name: str) -> Case:
    """A file of a run that ``compare`` and ``ensemble`` read."""

    def read(path: Path) -> None:
        run = read_finished(folder)
        told = run.model, run.name, run.seed, run.classes, run.positive, run.examples, run.probabilities, run.kind
        assert len(told) == 8

    _finished(folder)
    return Case(folder / name, [(folder / name).read_bytes()], read)


@reader
def metrics_json(folder: Path) -> Case:
    return _of_finished(folder, "metrics.json")


@reader
def predictions_csv(folder: Path) -> Case:
    return _of_finished(folder, "predictions.csv")


@reader
def metrics_csv(folder: Path) -> Case:
    return _of_finished(folder, "metrics.csv")


@reader
def finished_config(folder: Path) -> Case:
    return _of_finished(folder, "config.yaml")


@reader
def run_json(folder: Path) -> Case:
    """training.json, decided.json, environment.json, pins of predictions and scans: ``read_json``."""
    seed = json.dumps({"thresholds": {"a": 0.5}, "n": 3, "cost": {"wall": 1e-3}, "t": "é"}).encode()
    return Case(folder / "decided.json", [seed], lambda path: (RunFolder(folder).read_decided(), read_json(path, "")))


@reader
def fitted_baseline(folder: Path) -> Case:
    """model.json of a baseline."""
    from classify.fitted import load_baseline

    body = {"mean": [0.5], "scale": [0.1], "coefficients": [[1.5]], "intercept": [0.1], "penalty": 1.0, "state": {}}
    return Case(folder / "model.json", [json.dumps(body).encode()], lambda path: load_baseline(RunFolder(folder), "gc"))


@reader
def kmer_baseline(folder: Path) -> Case:
    """model.json of a baseline that has learnt something."""
    from classify.fitted import load_baseline

    n = 4 + 16 + 64
    body = {
        "mean": [0.0] * n, "scale": [1.0] * n, "coefficients": [[0.5] * n], "intercept": [0.1], "penalty": 1.0, "state": {},
    }  # fmt: skip
    return Case(
        folder / "model.json", [json.dumps(body).encode()], lambda path: load_baseline(RunFolder(folder), "kmer3")
    )


@reader
def barcodes(folder: Path) -> Case:
    from safetensors.numpy import save

    from classify.barcodes import read_barcodes

    told = json.dumps({"ids": ["a", "b"], "names": ["x"], "labels_in_all": 1})
    arrays = {
        "truth": np.ones((2, 1), np.int8),
        "probabilities": np.ones((3, 2, 1), np.float32),
        "codes": np.ones((2, 9), np.uint8),
    }
    return Case(folder / "x.safetensors", [save(arrays, metadata={"barcodes": told})], read_barcodes, text=False)


@reader
def predicted_labels(folder: Path) -> Case:
    """predictions.safetensors and labels.csv of a run of several labels."""
    from safetensors.numpy import save

    from classify.reporting.ranked import example_of

    features = [
        {"name": f"f{i}", "group": "TF", "cell": "", "factor": "", "treatment": "", "threshold": 0.5} for i in range(2)
    ]
    (folder / "predictions.csv").write_text(to_csv(("id",), [("a",), ("b",)]))
    body = {"features": features, "n": 2}
    seed = save({"labels": np.ones((2, 2), np.int8), "probabilities": np.ones((2, 2), np.float32)})
    return Case(folder / "predictions.safetensors", [seed], lambda path: example_of(folder, body), text=False)


@reader
def compared_labels(folder: Path) -> Case:
    """predictions.safetensors as ``compare`` reads it."""
    from safetensors.numpy import save

    seed = save({"labels": np.ones((2, 2), np.int8), "probabilities": np.full((2, 2), 0.5, np.float32)})
    return Case(folder / "predictions.safetensors", [seed], lambda path: read_labels(folder, (2, 2)), text=False)


@reader
def compared_bases(folder: Path) -> Case:
    """predictions.csv of a run of the next base."""
    seed = b"id,group,gc,bases,bits_per_base,accuracy\nc:1-9+,1:c:0,0.5,90,1.93846,0.3\nc:9-18+,1:c:0,0.1,0,,\n"

    def read(path: Path) -> None:
        read_sums(PositionRun.read_predictions(folder, {"n": 2}))

    return Case(folder / "predictions.csv", [seed], read)


@reader
def prevalences(folder: Path) -> Case:
    from classify.reporting.ranked import read_prevalences

    seed = b"name,cell,train_known,train_positives\nf0,K562,10,3\nf1,,0,0\n"
    return Case(folder / "labels.csv", [seed], lambda path: read_prevalences(folder))


@reader
def scanned_block(folder: Path) -> Case:
    """A finished block of a stopped scan."""
    from classify.scanning.parts import Contig, parts
    from classify.scanning.parts import Part as Block

    held = io.BytesIO()
    names = Block._fields[2:-3]
    np.savez_compressed(
        held,
        **{f"+1_0_{name}": np.arange(3) for name in names},
        **{"+1_0_scored": 3, "+1_0_total": 1.5, "+1_0_blank": 0},
    )
    contig = Contig(0, "c1", 240)
    return Case(folder / "0_0.npz", [held.getvalue()], lambda path: list(parts(folder, [contig], 1, 1, 0)), text=False)


def _job(folder: Path) -> dict[str, bytes]:
    """A finished rendering job of one small shard."""
    ledger = Ledger(folder)
    (folder / "a").mkdir()
    (folder / "a" / "000000.npy").write_bytes(b"abc")
    job = {"inputs": [{"file": "x.fa", "bytes": 3}], "image": {"palette": "viridis"}}
    ledger.pinned.write_text(json.dumps(job, indent=2))
    (folder / "manifest.csv").write_text("file\na/000000.npy\n")
    import hashlib

    done = f"0,a/000000.npy,1,3,{hashlib.sha256(b'abc').hexdigest()},{'0' * 64}\n"
    ledger.shards.write_text("shard,file,windows,bytes,sha256,input\n" + done)
    names = ("job.json", "manifest.csv", "shards.csv")
    sums = "".join(f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n" for name in names)
    ledger.sums.write_text(sums)
    return {name: (folder / name).read_bytes() for name in Ledger.FILES if (folder / name).is_file()}


def _of_job(folder: Path, name: str) -> Case:
    seeds = _job(folder)

    def read(path: Path) -> None:
        try:
            verify(folder, progress=False)
        except InputError:
            Ledger(folder).read()
            check_pinned(folder, {"inputs": [{"file": "x.fa", "bytes": 3}], "image": {"palette": "viridis"}})
            raise

    return Case(folder / name, [seeds[name]], read)


@reader
def job_json(folder: Path) -> Case:
    return _of_job(folder, "job.json")


@reader
def job_shards(folder: Path) -> Case:
    return _of_job(folder, "shards.csv")


@reader
def job_sums(folder: Path) -> Case:
    return _of_job(folder, "SHA256SUMS")


@reader
def sweep_journal(folder: Path) -> Case:
    """journal.log of a study."""
    from classify.sweeping.records import create, journal, reopen
    from classify.sweeping.records import read_records as trials

    study = create(folder, {"base": {"seed": 0}, "space": {"seed": [0, 1]}, "study": {"trials": 2}}, "maximize")
    trial = study.ask()
    trial.suggest_categorical("seed", [0, 1])
    trial.report(0.5, 1)
    study.tell(trial, 0.5)

    def read(path: Path) -> None:
        if (found := reopen(folder)) is not None:
            trials(found)

    return Case(journal(folder), [journal(folder).read_bytes()], read)


@reader
def trial_history(folder: Path) -> Case:
    """metrics.csv of a sweep's trial."""
    from classify.sweeping.settings import StudySettings
    from classify.sweeping.trials import _result

    _finished(folder)
    path = folder / "metrics.csv"
    return Case(path, [path.read_bytes()], lambda path: _result(RunFolder(folder), StudySettings()))
