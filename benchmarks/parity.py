"""Do the fast path and the plain loop end in the same place? Test AUROC of both, on the same crops, over seeds.

    python -m benchmarks.parity --out benchmarks/parity.md

Human CDS against lncRNA, genes apart. A network that learns within the budget (``inception``; its dropout is off, since two
paths cannot draw the same). The plain loop (``plain``) reads the crops that ours draws, rendered to PNG beforehand, in
the same order, from the same weights, with the same optimiser, and takes its best epoch by the same rule.
"""

from __future__ import annotations

import argparse
import copy
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from sklearn.metrics import roc_auc_score

from benchmarks import plain
from classify.building import build_classifier
from classify.datasets import EpochSampler, TileDataset, TrainDataset
from classify.evaluation import evaluate
from classify.examples import Examples
from classify.hardware import choose
from classify.settings import OptimiserSettings, RunSettings, TrainingSettings
from classify.tasks import TASKS
from classify.training import fit
from specgen.files import write_atomic

FILES = ("human_cds_refseq.fa.gz", "human_lncrna_ensembl.fa.gz")
SIZES = {"train": 600, "val": 200, "test": 1000}
"""Loci of each part, half of each class."""

WITHOUT_DROPOUT = {"inception": {"dropout": 0.0}}
"""Options of models that have any."""


def thinned(examples: Examples) -> Examples:
    """The first loci of each class and part."""
    keep = np.zeros(len(examples), dtype=bool)
    for split, size in SIZES.items():
        for label in (0, 1):
            keep[np.flatnonzero((examples.split == split) & (examples.labels == label))[: size // 2]] = True
    return examples.take(keep)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.parity", description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="inception", help="without dropout, or one whose dropout can be turned off")
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--out", default="", help="Markdown page to write")
    options = parser.parse_args()
    task_type = TASKS["coding"]
    data = task_type.Settings(root="$SPECGEN_DATA/coding_noncoding", coding=[FILES[0]], noncoding=[FILES[1]])
    examples = thinned(task_type(data).load())
    task_type.load = lambda self: examples  # type: ignore[method-assign]
    rows = []
    for seed in range(options.seeds):
        with tempfile.TemporaryDirectory(prefix="specgen-parity-") as folder:
            settings = RunSettings(
                model=options.model,
                model_options=WITHOUT_DROPOUT.get(options.model, {}),
                data=data,
                optimiser=OptimiserSettings(schedule="constant", clip=0.0),
                training=TrainingSettings(epochs=options.epochs, precision="auto", test_tiles=1, progress=False),
                seed=seed,
                runs=f"{folder}/runs",
            )
            begun = time.perf_counter()
            run, _ = fit(settings)
            ours = evaluate(settings, run, examples)["metrics"]["auroc"]["value"]
            between = time.perf_counter()
            theirs = plain_run(settings, examples, Path(folder))
            rows.append((seed, ours, theirs, between - begun, time.perf_counter() - between))
            print(rows[-1], flush=True)
    text = page(options.model, options.epochs, rows)
    print(text)
    if options.out:
        write_atomic(Path(options.out), text)


def plain_run(settings: RunSettings, examples: Examples, folder: Path) -> float:
    """Test AUROC of the plain loop."""
    train, val, test = (examples.part(split) for split in ("train", "val", "test"))
    sampler = EpochSampler(train.labels, settings.seed, balance=False, batch_size=settings.training.batch_size)
    dataset = TrainDataset(train, settings.seed)
    start = build_classifier(settings, TASKS["coding"](settings.data), "codes", choose(settings.training))
    model = plain.plain_model(settings.model, settings.model_options)
    model.load_state_dict(start.model.state_dict())
    model.to(memory_format=torch.contiguous_format)
    given = settings.optimiser
    optimiser = torch.optim.AdamW(model.parameters(), lr=given.lr, weight_decay=given.weight_decay)
    folders = {}
    for name, part in (("val", val), ("test", test)):
        codes, labels, _ = TileDataset(part, 1).__getitems__(range(len(part)))
        folders[name] = plain.write_pictures(folder / name, codes.numpy(), labels.tolist()), labels.numpy()
    best, weights = -1.0, model.state_dict()
    for epoch in range(settings.training.epochs):
        sampler.set_epoch(epoch)
        codes, labels, _ = dataset.__getitems__(sampler.keys().tolist())
        pictures = plain.write_pictures(folder / f"epoch{epoch}", codes.numpy(), labels.tolist())
        plain.train_epoch(model, plain.loader(pictures, settings.training.batch_size), optimiser)
        score = auroc(model, *folders["val"])
        if score > best:
            best, weights = score, copy.deepcopy(model.state_dict())
    model.load_state_dict(weights)
    return auroc(model, *folders["test"])


def auroc(model: torch.nn.Module, folder: Path, labels: np.ndarray) -> float:
    """Of the pictures in a folder."""
    logits = plain.predict(model, plain.loader(folder, 100))
    return float(roc_auc_score(labels, logits[:, 1] - logits[:, 0]))


def page(model: str, epochs: int, rows: list[tuple[int, float, float, float, float]]) -> str:
    """The page."""
    plan = choose(TrainingSettings())
    apart = [abs(ours - theirs) for _, ours, theirs, _, _ in rows]
    table = "\n".join(
        f"| {seed} | {ours:.4f} | {theirs:.4f} | {ours - theirs:+.4f} | {mine:.0f} s | {other:.0f} s |"
        for seed, ours, theirs, mine, other in rows
    )
    mean = np.mean([row[1] - row[2] for row in rows])
    return f"""# The fast path against the plain loop: test AUROC

`python -m benchmarks.parity --model {model} --epochs {epochs} --seeds {len(rows)} --out benchmarks/parity.md`

{model}, human CDS against lncRNA, genes apart: {SIZES["train"]} training loci, {epochs} epochs
({SIZES["train"] * epochs} crops), {SIZES["val"]} for the choice of the epoch, at most {SIZES["test"]} test loci of one window
each. Both sides see the same crops in the same order from the same weights; the plain loop reads them as PNG, which
rounds to 8 bits, and computes in float32, NCHW. Ours: {plan}.

| seed | ours | plain loop | difference | time, ours | time, plain loop |
|--:|--:|--:|--:|--:|--:|
{table}

Largest difference {max(apart):.4f}, mean difference {mean:+.4f}. Times include the test and were not taken on a quiet
machine: [training.md](training.md) has the ratios. The budget is small on purpose: this page asks whether two paths agree,
not how well they do.
"""


if __name__ == "__main__":
    main()
