"""One sequence in several representations: how letters become a signal, and a signal a spectrogram.

Draws a row for each representation: the signal of the first 90 letters, the spectrogram of all of them, and its mean over the
sequence, with that of the same letters shuffled in grey: composition stays, rhythm goes. The sequence is the reading frame of
a simulated coding transcript, or the first record of a FASTA file of yours, at least 351 nt long.

Expect a peak at 1/3 cycles/base, the codon rhythm, in the mean of a coding sequence, and none in that of the shuffled
letters. In the spectrogram it is a row, which is faint in simulated sequences: their codons are drawn one by one. Its height
depends on the representation, since each keeps other differences between the letters (``voss`` and ``delta_z`` keep all, and
agree). The mean power there is printed, 1 being that of random letters.

    python examples/draw_a_sequence.py --out pictures.png
    python examples/draw_a_sequence.py --input cds.fa.gz --representations voss eiip walk_ry --out pictures.png
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from matplotlib.figure import Figure

from specgen.errors import InputError
from specgen.files import replacing
from specgen.image import Imager
from specgen.records import read_records
from specgen.settings import ImageSettings, SpectrogramSettings
from specgen.simulate import SimulationSettings, simulate

SHOWN = 90
SPECTROGRAM = SpectrogramSettings(taper="hann")  # a rectangular window separates better, this one is for looking


def simulated():
    """Name and codes of the reading frame of one simulated transcript."""
    record = next(simulate(SimulationSettings(n=1, min_length=4000, max_length=4000)))
    low, high = record.cds
    return f"simulated CDS of {high - low} nt", record.codes[low:high]


def first_record(path):
    """Name and codes of the first record of a FASTA or FASTQ file."""
    for record in read_records(path):
        return record.name, record.codes
    raise InputError(f"{path}: expected a record, got none")


def power(imager, codes):
    """Power over that of random letters, mean of the channels: (frequencies, frames)."""
    with torch.inference_mode():
        spectra = imager.spectrogram.power(imager.signal(torch.from_numpy(codes.copy())[None]))
    return (spectra / imager.floor.view(-1, 1, 1)).mean(1)[0].numpy()


def draw(name, codes, representations):
    """The figure, and for each representation the mean power at 1/3 cycles/base: as the letters are, and shuffled."""
    figure = Figure(figsize=(11, 2.2 * len(representations)), layout="constrained")
    figure.suptitle(name)
    axes = figure.subplots(len(representations), 3, squeeze=False, width_ratios=(4, 4, 3))
    shuffled, found = np.random.default_rng(0).permutation(codes), {}
    for (left, middle, right), representation in zip(axes, representations, strict=True):
        imager = Imager(ImageSettings("colormap:viridis", representation, spectrogram=SPECTROGRAM))
        with torch.inference_mode():
            signal = imager.signal(torch.from_numpy(codes[:SHOWN].copy())[None])[0].numpy()
        parts = np.concatenate([signal.real, signal.imag]) if np.iscomplexobj(signal) else signal
        for row, values in enumerate(parts):
            left.step(np.arange(values.size), values - row * 1.2 * np.ptp(parts), where="mid", linewidth=0.7)
        left.set(title=f"{representation}: signal", xlabel="position [nt]", yticks=[])

        levels, without = power(imager, codes), power(imager, shuffled)
        frequencies = SPECTROGRAM.frequencies
        middle.pcolormesh(imager.settings.middles(len(codes)), frequencies, levels, vmin=0, vmax=5)
        middle.set(title="spectrogram", xlabel="centre of the window [nt]", ylabel="cycles/base")
        right.plot(frequencies, without.mean(axis=1), color="0.7", linewidth=0.8)
        right.plot(frequencies, levels.mean(axis=1), linewidth=0.8)
        right.set(title="mean power", xlabel="cycles/base", xticks=[0, 1 / 6, 1 / 3, 1 / 2])
        right.set_xticklabels(["0", "1/6", "1/3", "1/2"])
        third = int(np.abs(frequencies - 1 / 3).argmin())
        found[representation] = levels[third].mean(), without[third].mean()
    return figure, found


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--input", help="FASTA or FASTQ file; its first record is drawn (default: a simulated one)")
    parser.add_argument("--representations", nargs="+", default=["voss", "delta_z", "eiip", "complex_2"])
    parser.add_argument("--out", type=Path, default=Path("draw_a_sequence.png"), help="PNG file")
    options = parser.parse_args()
    try:
        name, codes = first_record(options.input) if options.input else simulated()
        figure, found = draw(name, codes, options.representations)
    except InputError as error:
        parser.exit(2, f"{parser.prog}: {error}\n")
    print(f"{name}: power at 1/3 cycles/base, over that of random letters")
    for representation, (kept, shuffled) in found.items():
        print(f"  {representation:12} {kept:6.2f}   shuffled {shuffled:5.2f}")
    with replacing(options.out) as temporary:
        figure.savefig(temporary, format="png", dpi=120)
    print(f"{options.out}: {len(found)} representations")


if __name__ == "__main__":
    main()
