"""Activations with their gradients, by PyTorch in float64."""

import numpy as np
import torch
import torch.nn.functional as F

from calls import Calls

calls = Calls(20_000)

PLAIN = {
    "relu": (F.relu, {}),
    "relu6": (F.relu6, {}),
    "leakyRelu": (F.leaky_relu, {}),
    "elu": (F.elu, {}),
    "selu": (F.selu, {}),
    "gelu": (F.gelu, {}),
    "softplus": (F.softplus, {}),
    "mish": (F.mish, {}),
    "swish": (F.silu, {}),
    "hardSwish": (F.hardswish, {}),
}
SETTINGS = [
    ("leakyRelu", {"negativeSlope": 0.25}, lambda x: F.leaky_relu(x, 0.25)),
    ("leakyRelu", {"negativeSlope": 0}, lambda x: F.leaky_relu(x, 0.0)),
    ("elu", {"alpha": 0.5}, lambda x: F.elu(x, 0.5)),
    ("gelu", {"approximate": "none"}, lambda x: F.gelu(x, approximate="none")),
    ("gelu", {"approximate": "tanh"}, lambda x: F.gelu(x, approximate="tanh")),
    ("softplus", {"beta": 2}, lambda x: F.softplus(x, beta=2)),
    ("softplus", {"beta": 0.5, "threshold": 1}, lambda x: F.softplus(x, beta=0.5, threshold=1)),
]
KINKS = np.array([-3, -2.5, -0.0, 0.0, 3, 6, 7, -7, 20, -20], dtype=np.float64)
EXACT = {"relu": ["y", "dx"], "relu6": ["y", "dx"]}


def elementwise():
    for name, (forward, _) in PLAIN.items():
        claims = {"exact": EXACT.get(name, [])}
        for span in ((-1, 1), (-8, 8), (-64, 64)):
            x = {"x": calls.span((2, 17), *span)}
            calls.add(name, ["$x"], x, forward, title=f"in {span}", **claims)
        # At 3, PyTorch's vectors and its scalars differ in the gradient of hard-swish.
        kinks = KINKS[KINKS != 3] if name == "hardSwish" else KINKS
        calls.add(name, ["$x"], {"x": kinks}, forward, title="at its kinks", **claims)
        x = {"x": calls.span((2, 3, 2, 3), -4, 4)}
        calls.add(name, ["$x"], x, forward, **claims)
    for name, options, forward in SETTINGS:
        x = {"x": calls.span((33,), -8, 8)}
        calls.add(name, ["$x", options], x, forward)


def learned():
    for shape, slopes in (
        ((3, 4), 1),
        ((3, 4), 4),
        ((2, 3, 5), 3),
        ((2, 3, 2, 3), 3),
        ((2, 3, 2, 3), 1),
        ((7,), 1),
    ):
        inputs = {"x": calls.span(shape, -2, 2), "slope": calls.span((slopes,))}
        calls.add("prelu", ["$x", "$slope"], inputs, lambda x, slope: F.prelu(x, slope), exact=["y"])


def maxout(x, pieces, axis):
    """The largest of `pieces` neighbouring values along an axis; a tie goes to all in equal parts."""
    axis = axis % x.dim()
    shape = list(x.shape)
    shape[axis : axis + 1] = [shape[axis] // pieces, pieces]
    return torch.amax(x.reshape(shape), axis + 1)


def maxouts():
    for shape, pieces, axis in (((3, 6), 2, 1), ((3, 6), 3, -1), ((2, 4, 3, 2), 2, 1), ((6, 2), 6, 0)):
        options = {"pieces": pieces} if axis == 1 else {"pieces": pieces, "axis": axis}
        x = {"x": calls.span(shape)}
        calls.add("maxout", ["$x", options], x, lambda x: maxout(x, pieces, axis), exact=["y", "dx"])


def softmaxes():
    for name, forward in (("softmax", F.softmax), ("logSoftmax", F.log_softmax)):
        for shape, axis, high in (
            ((3, 7), None, 4),
            ((3, 7), 0, 4),
            ((2, 5, 3), 1, 4),
            ((2, 3, 2, 3), 1, 4),
            ((2, 3, 2, 3), -1, 16),
            ((6,), 0, 4),
            ((4, 6), None, 512),
            ((3, 1), None, 4),
        ):
            x = {"x": calls.span(shape, -high, high)}
            arguments = ["$x"] if axis is None else ["$x", {"axis": axis}]
            dim = -1 if axis is None else axis
            calls.add(name, arguments, x, lambda x: forward(x, dim), title=f"up to {high}")


if __name__ == "__main__":
    torch.set_num_threads(1)
    elementwise()
    learned()
    maxouts()
    softmaxes()
    calls.write("activations")
