"""True convolution and correlation, many channels, summed over SciPy's two-dimensional ones.

'same' is SciPy's crop: of the full result the centre, for even filters the one further to the end,
which is padding floor(f/2) before and floor((f - 1)/2) after for true convolution.
"""

import numpy as np
import scipy
from scipy.signal import convolve2d, correlate2d

from golden import Generated, case, write

# n, c, h, w | k, r, s
SIZES = [
    ((1, 1, 5, 5), (1, 3, 3)),
    ((2, 1, 6, 5), (3, 3, 3)),
    ((2, 3, 5, 6), (2, 3, 3)),
    ((1, 2, 6, 6), (2, 2, 2)),
    ((1, 2, 7, 5), (2, 4, 3)),
    ((1, 2, 5, 7), (3, 1, 4)),
    ((1, 3, 4, 4), (2, 1, 1)),
    ((1, 1, 6, 7), (2, 5, 2)),
]
MODES = ["valid", "same", "full"]


def sum_over_channels(function, x, weight, mode):
    return np.array(
        [
            [sum(function(a, f, mode=mode) for a, f in zip(image, bank)) for bank in weight]
            for image in x
        ]
    )


def paddings(mode, flip, r, s):
    """[top, bottom, left, right] which makes an unpadded operator give SciPy's mode."""
    sides = []
    for size in (r, s):
        if mode == "valid":
            sides += [0, 0]
        elif mode == "full":
            sides += [size - 1, size - 1]
        else:
            sides += [size // 2, (size - 1) // 2] if flip else [(size - 1) // 2, size // 2]
    return sides


def make(index, size, filters, flip, mode):
    n, c, h, w = size
    k, r, s = filters
    x = Generated(7000 + 10 * index, size)
    weight = Generated(7000 + 10 * index + 1, (k, c, r, s))
    function = convolve2d if flip else correlate2d
    y = sum_over_channels(function, x.values, weight.values, mode)
    attributes = {"mode": mode, "padding": paddings(mode, flip, r, s), "flipKernel": flip}
    name = f"{function.__name__} {mode}, {size} with {filters}"
    return case(name, attributes, {"x": x, "weight": weight}, {"y": y})


if __name__ == "__main__":
    cases = [
        make(index, *sizes, flip, mode)
        for index, sizes in enumerate(SIZES)
        for flip in (True, False)
        for mode in MODES
    ]
    write("scipy-convolution", f"make_scipy_convolution.py, SciPy {scipy.__version__}", cases)
