"""Images along affine maps, by SciPy, and boxes of images erased, with gradients in float64."""

import functools

import numpy as np
import scipy
import torch
from scipy.ndimage import affine_transform

from calls import Calls

calls = Calls(90_000)


def warped(image, matrix, order, fill):
    """
    'grid-constant' is SciPy's mode that mixes with the fill at the border: pixels outside of the
    image are the fill, whereas 'constant' takes the fill for any place outside of the outermost
    pixels' centres.
    """
    m = np.reshape(matrix, (2, 3))
    return affine_transform(
        image, m[:, :2], offset=m[:, 2], order=order, mode="grid-constant", cval=fill
    )


class Warp(torch.autograd.Function):
    """SciPy's transformation, and as its gradient what it makes of every pixel alone."""

    @staticmethod
    def forward(ctx, x, matrices, order, fill):
        ctx.matrices, ctx.order = matrices.numpy().reshape(-1, 6), order
        planes = [
            np.stack([warped(plane, m, order, fill) for plane in image])
            for image, m in zip(x.detach().numpy(), ctx.matrices)
        ]
        return torch.tensor(np.stack(planes))

    @staticmethod
    def backward(ctx, dy):
        dx = np.zeros(dy.shape)
        _, channels, height, width = dy.shape
        for n, matrix in enumerate(ctx.matrices):
            for cell in range(height * width):
                one = np.zeros((height, width))
                one.flat[cell] = 1
                shown = warped(one, matrix, ctx.order, 0.0)
                for c in range(channels):
                    dx[n, c].flat[cell] = (shown * dy[n, c].numpy()).sum()
        return torch.tensor(dx), None, None, None


def matrices(rows):
    """Multiples of 1/64: places are exact, in float32 too."""
    return np.round(np.array(rows) * 64) / 64


def turned(degrees, scale, size):
    """Turned and scaled about the centre of an image."""
    angle = np.deg2rad(degrees)
    a, b = np.cos(angle) / scale, np.sin(angle) / scale
    h, w = (size[0] - 1) / 2, (size[1] - 1) / 2
    return [a, b, h - a * h - b * w, -b, a, w + b * h - a * w]


def maps(size):
    height, width = size
    yield "flipped", [[1, 0, 0, 0, -1, width - 1], [-1, 0, height - 1, 0, 1, 0]]
    yield "moved", [[1, 0, 1, 0, 1, -2], [1, 0, -0.25, 0, 1, 0.5]]
    yield "turned", [turned(30, 1, size), turned(-100, 1.25, size)]
    yield "scaled", [turned(0, 0.5, size), turned(0, 2.25, size)]
    yield "sheared", [[1, 0.5, -1, 0, 1, 0], [1, 0, 0, -0.75, 1, 2]]
    yield "anything", [[0.3, -1.7, 4, 0.9, 0.2, -1], [-0.6, 0.4, 2, -0.2, -0.3, 3]]


def erasures():
    boxes = np.array([[1, 2, 4, 5], [-3, 4, 2, 99], [3, 3, 3, 6], [0, 0, 5, 7]], np.int32)

    def run(x, boxes):
        y = x.clone()
        for n, (top, left, bottom, right) in enumerate(boxes.tolist()):
            y[n, :, max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)] = 0.25
        return y

    given = {"x": calls.span((4, 2, 5, 7)), "boxes": boxes}
    calls.add("erase", ["$x", "$boxes", {"value": 0.25}], given, run, exact=["y", "dx"])


if __name__ == "__main__":
    torch.set_num_threads(1)
    erasures()
    for size in ((5, 7), (8, 6)):
        for title, rows in maps(size):
            for mode, order in (("nearest", 0), ("bilinear", 1)):
                fill = 0.0 if size == (5, 7) else -0.5
                run = functools.partial(lambda order, fill, x, m: Warp.apply(x, m, order, fill), order, fill)
                arguments = ["$x", "$matrices", {"mode": mode, "fill": fill}]
                given = {"x": calls.span((2, 2, *size)), "matrices": matrices(rows)}
                exact = {"exact": ["y"]} if mode == "nearest" else {}
                calls.add("warpAffine", arguments, given, run, ("matrices",), title, **exact)
    calls.write("warps", f"SciPy {scipy.__version__}")
