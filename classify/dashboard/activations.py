"""What the first layers say of a window, above the letters that each of their places looks at; of pictures, above their columns.

No drawing and no files here.
"""

from __future__ import annotations

import numpy as np

from classify.interpretation.explainer import Explainer
from classify.motifs.maps import LetterMap, letter_maps
from classify.motifs.watching import CONVOLUTIONS, calls_of, chain_of, output_of
from specgen.sequences import Codes

__all__ = ["activation_maps"]


def activation_maps(explainer: Explainer, codes: Codes, most: int = 2) -> list[LetterMap]:
    """Activations of the first ``most`` convolutions of a network for one window, uint8 (L,).

    Of a network of letters as ``letter_maps`` has them. Of a network of pictures the largest value over the rows
    (frequencies) of each channel; a place of its map stands at the middle, in nt, of the columns that lie at the same share of
    the picture's width: exact where a layer keeps the width or divides it evenly, and off by up to half a kernel where it does
    not pad.

    Returns
    -------
    list of LetterMap
        Fewer where the network has fewer convolutions along the sequence: none for a recurrent one.
    """
    model = explainer.loaded.module.model
    picture, middles = explainer.picture(codes)
    if picture is None or middles is None:
        return letter_maps(model, codes, most)
    prepared = explainer.prepared(codes[None])
    calls, maps = calls_of(model, prepared), list[LetterMap]()
    done: set[str] = set()
    for index, call in enumerate(calls):
        if len(maps) == most:
            break
        if not isinstance(call.module, CONVOLUTIONS) or call.name in done or call.output.shape[-1] < 2:
            continue
        done.add(call.name)
        values = output_of(model, prepared, chain_of(calls, index)[-1])[0].amax(dim=1).clamp_min(0).cpu().numpy()
        share = (np.arange(values.shape[1]) + 0.5) / values.shape[1] * len(middles) - 0.5
        places = np.interp(share, np.arange(len(middles)), middles)
        maps.append(LetterMap(call.name, values, places, places))
    return maps
