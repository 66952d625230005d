"""Dropout by Philox 4x32-10 (Salmon, Moraes, Dror, Shaw 2011) written out in Python (philox.py).

Place i of the row-major order (of samples and channels, when spatial) is kept when its word is at
least rate * 2^32: word i mod 4 of the block with counter (i div 4, step low, step high, stream) and
key (seed low, seed high). Stream is the FNV-1a hash of its name.
"""

import numpy as np
import torch

from calls import Calls
from philox import WORD, fnv1a, philox

calls = Calls(95_000)


def mask(count, rate, seed, step=0, stream=""):
    key = (seed % WORD, seed // WORD)
    blocks = np.arange(-(-count // 4))
    words = philox((blocks, step % WORD, step // WORD, fnv1a(stream)), key)
    return (np.stack(words, axis=1).ravel()[:count] >= rate * WORD).astype(np.float64)


def make(operator, shape, options):
    count = shape[0] * shape[1] if operator == "spatialDropout" else int(np.prod(shape))
    kept = mask(count, **{"rate": 0.5, **options})
    places = shape[:2] + (1,) * (len(shape) - 2) if operator == "spatialDropout" else shape
    factor = torch.tensor(kept.reshape(places)) * (1 / (1 - options.get("rate", 0.5)))
    exact = {"exact": ["y", "dx"]} if options.get("rate", 0.5) in (0, 0.5, 0.75) else {}
    calls.add(operator, ["$x", options], {"x": calls.span(shape)}, lambda x: x * factor, **exact)


if __name__ == "__main__":
    for shape, options in (
        ((37,), {"seed": 0}),
        ((3, 17), {"seed": 7, "rate": 0.75}),
        ((2, 3, 5, 4), {"seed": 2**53 - 1, "rate": 0.2, "step": 3}),
        ((2, 5, 3, 3), {"seed": 123456789012, "step": 2**33 + 5, "stream": "3.body.0"}),
        ((4, 4), {"seed": 5, "rate": 0}),
    ):
        make("dropout", shape, options)
        if len(shape) > 1:
            make("spatialDropout", shape, options)
    calls.write("dropout")
