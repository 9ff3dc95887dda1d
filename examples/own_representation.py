"""A representation of your own, and pictures of it: two channels, hydrogen bonds and rings of each base.

A representation is a table with a row for each of A, C, G, T and a column for each channel. Registered, it is used by its
name like those that are there already. The pictures are of a simulated coding and of a simulated non-coding transcript.

Expect the codon rhythm at 1/3 cycles/base in the coding one. This representation shows nothing that ``delta_z`` does not:
bonds tell A, T from C, G, and rings purines from pyrimidines, which are two of its three channels. It is here to be replaced
by yours.

The file is a plug-in as well: in a folder that ``SPECGEN_PLUGINS`` names, every command knows ``bonds_and_rings``.

    python examples/own_representation.py --out own.png
    mkdir plugins && cp examples/own_representation.py plugins
    SPECGEN_PLUGINS=plugins python -m specgen show cds.fa --image.representation bonds_and_rings --image.palette colormap:viridis
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from matplotlib.figure import Figure

from specgen.files import replacing
from specgen.image import Imager
from specgen.representations import register_representation
from specgen.settings import ImageSettings
from specgen.simulate import SimulationSettings, simulate

NAME = "bonds_and_rings"
register_representation(
    NAME,
    [[2, 2], [3, 1], [3, 2], [2, 1]],  # A, C, G, T
    ("bonds", "rings"),
    "examples/own_representation.py: hydrogen bonds of the pair, rings of the base",
)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--out", type=Path, default=Path("own_representation.png"), help="PNG file")
    options = parser.parse_args()
    # A colormap paints the summed power of any number of channels.
    imager = Imager(ImageSettings(palette="colormap:viridis", representation=NAME))
    frequencies = imager.settings.spectrogram.frequencies
    third = int(np.abs(frequencies - 1 / 3).argmin())
    figure = Figure(figsize=(8, 4), layout="constrained")
    print(f"{NAME}: power at 1/3 cycles/base, over that of random letters")
    records = simulate(SimulationSettings(n=1, min_length=1500, max_length=1500, seed=5))
    for axes, record in zip(figure.subplots(1, 2, sharey=True), records, strict=True):
        codes = torch.from_numpy(record.codes)[None]
        with torch.inference_mode():
            picture = imager(codes)[0].permute(1, 2, 0).numpy()
            power = imager.spectrogram.power(imager.signal(codes)) / imager.floor.view(-1, 1, 1)
        middles = imager.settings.middles(len(record.codes))
        axes.imshow(picture, extent=(middles[0], middles[-1], 0, 0.5), aspect="auto")
        kind = "coding" if record.coding else "non-coding"
        axes.set(title=f"{kind}, {picture.shape[1]} x {picture.shape[0]}", xlabel="centre of the window [nt]")
        axes.set_ylabel("cycles/base" if record.coding else "")
        print(f"  {kind:10}  {power.mean(1)[0, third].mean():.2f}")
    with replacing(options.out) as temporary:
        figure.savefig(temporary, format="png", dpi=120)
    print(f"{options.out}: both pictures")


if __name__ == "__main__":
    main()
