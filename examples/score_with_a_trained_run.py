"""What a trained network says along whole sequences: a run folder and a FASTA file in, a table and curves out.

Every window of each record is scored, a step apart, by the network of a run folder (``--run``, as ``python -m classify
train`` makes it; any model that reads letters or makes its pictures of them). Without one, a small network is trained on
simulated transcripts first, and without ``--input`` a few others are simulated, whose reading frames are known and drawn as
grey fields.

Expect curves of the made-up transcripts that are higher over reading frames than elsewhere, but seldom near 0 or 1: the
network has learnt for seconds, and its probabilities are not calibrated. Printed are the means of windows within a frame and
of windows without any of it; those that hold an end of a frame count for neither. For real sequences train a run on real
ones.

    python examples/score_with_a_trained_run.py --out scored
    python examples/score_with_a_trained_run.py --run runs/coding/conv5/default --input new.fa.gz --step 100 --out scored
"""

import argparse
import csv
from pathlib import Path

import numpy as np
import torch
from matplotlib.figure import Figure

from classify.bootstrap import interval_text
from classify.config import settings_from
from classify.evaluation import evaluate, predict_logits
from classify.prediction import load_reader
from classify.training import fit
from specgen.errors import InputError
from specgen.files import replacing, write_atomic
from specgen.records import read_records
from specgen.sequences import decode, gather_windows, tile_starts
from specgen.simulate import SimulationSettings, simulate

DRAWN = 6
"""Records of which there is a curve; the table has all."""


def trained(runs):
    """Folder of a small run: 600 simulated transcripts, windows of 300 nt, seconds on a core."""
    settings = settings_from(
        {
            "task": "coding",
            "model": "kmer_resnet",
            "name": "example",
            "runs": str(runs),
            "data": {"length": 300, "simulate": {"n": 300}},
            "training": {"epochs": 6, "batch_size": 25, "threads": 1, "progress": False},
            "optimiser": {"lr": 3e-3},
        },
        "example",
    )
    run, examples = fit(settings, overwrite=True)
    body = evaluate(settings, run, examples)
    print(f"{run.path}: test AUROC {interval_text(body['metrics']['auroc'], '.3f')} of {body['n']} windows")
    return run.path


def made_up(path):
    """A FASTA file of six transcripts that no training saw; where the reading frame of each is."""
    records = list(simulate(SimulationSettings(n=3, min_length=2000, max_length=2500, seed=1000)))
    write_atomic(path, "".join(f">{record.name}\n{decode(record.codes)}\n" for record in records))
    return {record.name: record.cds for record in records}


def score(loaded, codes, step):
    """Starts (T,), 0-based, of the windows of a record, and probabilities (T, classes)."""
    starts = tile_starts(len(codes), loaded.task.window, stride=step)
    logits = predict_logits(loaded, torch.from_numpy(gather_windows(codes, starts, loaded.task.window)))
    return starts, loaded.task.probabilities(logits.astype(np.float64))


def within_and_without(scored, frames, window):
    """Probabilities of the last class in windows that are wholly within a reading frame, and in those that have none of it."""
    inside, outside = [], []
    for name, (starts, probabilities) in scored.items():
        low, high = frames[name]
        within = (starts >= low) & (starts + window <= high)
        without = (starts + window <= low) | (starts >= high)
        inside.append(probabilities[within, -1])
        outside.append(probabilities[without, -1])
    return np.concatenate(inside), np.concatenate(outside)


def curves(scored, frames, task):
    """A row for each of the first records: the probability of the last class, at the middles of windows."""
    shown = list(scored.items())[:DRAWN]
    figure = Figure(figsize=(8, 1.5 * len(shown)), layout="constrained")
    for axes, (name, (starts, probabilities)) in zip(
        figure.subplots(len(shown), 1, squeeze=False, sharex=True)[:, 0], shown, strict=True
    ):
        low, high = frames.get(name, (0, 0))
        if high:
            axes.axvspan(low, high, color="0.85")
        axes.plot(starts + task.window / 2, probabilities[:, -1], marker=".", linewidth=1)
        axes.set(ylim=(-0.03, 1.03), ylabel=f"p({task.classes[-1]})")
        axes.set_title(name.replace("$", r"\$"), fontsize=9)
    axes.set_xlabel("middle of the window [nt]")
    return figure


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--run", type=Path, help="run folder (default: a small one is trained)")
    parser.add_argument("--input", help="FASTA or FASTQ file (default: made-up transcripts)")
    parser.add_argument("--step", type=int, default=50, help="nt from window to window")
    parser.add_argument("--out", type=Path, default=Path("scored"), help="folder")
    options = parser.parse_args()
    out = options.out
    try:
        if options.step < 1:
            raise InputError(f"--step: expected 1 nt or more, got {options.step}")
        loaded = load_reader(options.run or trained(out / "runs"))
        source = options.input or str(out / "transcripts.fa")
        frames = {} if options.input else made_up(out / "transcripts.fa")
        records = list(read_records(source))
        scored = {r.name: score(loaded, r.codes, options.step) for r in records if len(r.codes) >= loaded.task.window}
        if not scored:
            raise InputError(f"{source}: expected a record of at least {loaded.task.window} nt, got none")
    except InputError as error:
        parser.exit(2, f"{parser.prog}: {error}\n")
    classes, window = loaded.task.classes, loaded.task.window
    out.mkdir(parents=True, exist_ok=True)
    with replacing(out / "windows.csv") as temporary, temporary.open("w", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["record", "start", "end", *(f"p_{name}" for name in classes)])
        for name, (starts, probabilities) in scored.items():
            for start, row in zip(starts.tolist(), probabilities.tolist(), strict=True):
                table.writerow([name, start, start + window, *(f"{p:.6f}" for p in row)])
    with replacing(out / "windows.png") as temporary:
        curves(scored, frames, loaded.task).savefig(temporary, format="png", dpi=120)
    if frames:
        inside, outside = within_and_without(scored, frames, window)
        print(f"mean p({classes[-1]}): {inside.mean():.2f} in {len(inside)} windows within a reading frame, "
              f"{outside.mean():.2f} in {len(outside)} without any of it")  # fmt: skip
    print(f"{out / 'windows.csv'}: {sum(len(s) for s, _ in scored.values())} windows of {len(scored)} records, "
          f"{len(records) - len(scored)} are shorter than {window} nt")  # fmt: skip


if __name__ == "__main__":
    main()
