"""Period 3 as a classifier: one number of each window, no training.

In coding sequence the three places of a codon have different letters, which shows as power at 1/3 cycles/base. This script
cuts the middle 600 nt out of simulated coding and non-coding transcripts, takes the power at 1/3 over the mean of all other
frequencies, and asks how well that number alone tells the two apart (area under the ROC curve, with a 95 % interval from a
bootstrap of genes). GC content stands beside it: the simulation gives both classes the same, so that it has to be near one
half.

Expect an area near .9 for period 3. A window can hold some of an untranslated region, where there is no rhythm, which costs a
part. The transcripts are made up (see ``specgen.simulate``): the figure says that the measure works, and nothing of real
genomes.

    python examples/period_three.py --out roc.png
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from matplotlib.figure import Figure
from sklearn.metrics import roc_curve

from classify.metrics import grouped_bootstrap
from specgen.files import replacing
from specgen.representations import SignalEncoder
from specgen.sequences import crop_start, gc_share
from specgen.settings import SpectrogramSettings
from specgen.simulate import SimulationSettings, simulate
from specgen.spectrogram import Spectrogram

WINDOW = 600


def windows(n):
    """The middle of n transcripts of each class, uint8 (2 n, 600), labels and genes."""
    records = list(simulate(SimulationSettings(n=n, seed=3)))
    starts = [crop_start(len(record.codes), WINDOW) for record in records]
    codes = np.stack([record.codes[low : low + WINDOW] for record, low in zip(records, starts, strict=True)])
    return codes, np.array([record.coding for record in records], dtype=int), [record.gene for record in records]


def period_three(codes):
    """(n,) power at 1/3 cycles/base over the mean of all others but 0, of the four indicator signals together."""
    # One frame that is the whole window, so that 1/3 is a frequency of the transform: row 200 of 301.
    spectrogram = Spectrogram(SpectrogramSettings(window=WINDOW, n_fft=WINDOW, frames=1))
    with torch.inference_mode():
        power = spectrogram.power(SignalEncoder("voss")(torch.from_numpy(codes))).sum(1)[:, :, 0].numpy()
    third = WINDOW // 3
    return power[:, third] / np.delete(power, [0, third], axis=1).mean(axis=1)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--n", type=int, default=300, help="transcripts of each class")
    parser.add_argument("--out", type=Path, default=Path("period_three.png"), help="PNG file")
    options = parser.parse_args()
    codes, labels, genes = windows(options.n)
    scores = {"period 3": period_three(codes), "GC content": np.array([gc_share(row) for row in codes])}
    figure = Figure(figsize=(4.5, 4.5), layout="constrained")
    axes = figure.subplots()
    print(f"{len(labels)} windows of {WINDOW} nt, {labels.sum()} of them coding")
    for name, score in scores.items():
        # The area needs the order alone, and the bootstrap shares of the two classes.
        share = score / (1 + score)
        area = grouped_bootstrap(labels, np.stack([1 - share, share], axis=1), genes, positive=1)["auroc"]
        print(f"  {name:10}  AUROC {area.value:.3f} [{area.low:.3f}, {area.high:.3f}]")
        false, true, _ = roc_curve(labels, score)
        axes.plot(false, true, label=f"{name}, AUROC {area.value:.3f}")
    axes.plot([0, 1], [0, 1], color="0.7", linewidth=0.8)
    axes.set(xlabel="false positive rate", ylabel="true positive rate", title="simulated transcripts")
    axes.legend(loc="lower right")
    with replacing(options.out) as temporary:
        figure.savefig(temporary, format="png", dpi=120)
    print(f"{options.out}: the curves")


if __name__ == "__main__":
    main()
