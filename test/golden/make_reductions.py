"""Reductions and matrix products with their gradients, by PyTorch in float64."""

import numpy as np
import torch
import torch.nn.functional as F

from calls import Calls

calls = Calls(30_000)

CASES = [
    ((5,), {}),
    ((3, 4), {}),
    ((3, 4), {"axis": 0}),
    ((3, 4), {"axis": -1, "keepDims": True}),
    ((2, 3, 4), {"axis": [0, 2]}),
    ((2, 3, 4), {"axis": [1, -1], "keepDims": True}),
    ((2, 3, 2, 5), {"axis": 1}),
    ((2, 3, 2, 5), {"axis": [2, 3]}),
    ((2, 1, 3), {"axis": 1}),
]


def axes_of(options, rank):
    axis = options.get("axis", list(range(rank)))
    return tuple(axis) if isinstance(axis, list) else (axis,)


def call(name, x, options, forward, **more):
    calls.add(name, ["$x", options] if options else ["$x"], {"x": x}, forward, **more)


def sums():
    for shape, options in CASES:
        axes, keep = axes_of(options, len(shape)), options.get("keepDims", False)
        call("sum", calls.span(shape), options, lambda x: x.sum(axes, keep))
        call("mean", calls.span(shape), options, lambda x: x.mean(axes, keep))


def extremes():
    special = np.array([[1, np.nan, 3], [np.nan, -np.inf, np.nan], [-np.inf, 2, np.inf]])
    for name, forward in (("max", torch.amax), ("min", torch.amin)):
        for shape, options in CASES:
            axes, keep = axes_of(options, len(shape)), options.get("keepDims", False)
            reduce = lambda x: forward(x, axes, keep)
            call(name, calls.span(shape), options, reduce, exact=["y", "dx"])
            call(name, calls.levels(shape, 3), options, reduce, title="with ties", exact=["y"])
        reduce = lambda x: forward(x, (1,))
        fixed = {"fixed": ("x",), "title": "NaN and infinities", "exact": ["y"]}
        call(name, special, {"axis": 1}, reduce, **fixed)


def first_of(x, axis, keep, pick):
    """NumPy's argmax and argmin take the first of equals and the first NaN."""
    y = torch.tensor(np.asarray(pick(x.detach().numpy(), axis=axis)).astype(np.int32))
    return y if not keep else (y.unsqueeze(axis) if axis is not None else y.reshape([1] * x.dim()))


def places():
    special = np.array([[1, np.nan, 3], [np.nan, -np.inf, np.nan], [-np.inf, 2, np.inf]])
    for name, pick in (("argmax", np.argmax), ("argmin", np.argmin)):
        for shape, options in (
            ((7,), {}),
            ((3, 4), {}),
            ((3, 4), {"axis": 0}),
            ((3, 4), {"axis": -1, "keepDims": True}),
            ((2, 3, 2, 5), {"axis": 1}),
            ((2, 3, 4), {"keepDims": True}),
        ):
            axis, keep = options.get("axis"), options.get("keepDims", False)
            forward = lambda x: first_of(x, axis, keep, pick)
            call(name, calls.span(shape), options, forward, fixed=("x",))
            call(name, calls.levels(shape, 3), options, forward, fixed=("x",), title="with ties")
        call(name, special, {"axis": 1}, lambda x: first_of(x, 1, False, pick), title="NaN")


def products():
    for a, b in (
        ((1, 1), (1, 1)),
        ((3, 4), (4, 5)),
        ((2, 3, 4), (2, 4, 5)),
        ((2, 3, 4), (4, 5)),
        ((3, 4), (2, 4, 2)),
        ((2, 1, 3, 4), (3, 4, 2)),
        ((17, 9), (9, 19)),
    ):
        for options in ({}, {"transposeA": True}, {"transposeB": True}):
            swap = lambda shape: (*shape[:-2], shape[-1], shape[-2])
            inputs = {
                "a": calls.span(swap(a) if "transposeA" in options else a),
                "b": calls.span(swap(b) if "transposeB" in options else b),
            }

            def forward(a, b):
                a = a.transpose(-1, -2) if "transposeA" in options else a
                return a @ (b.transpose(-1, -2) if "transposeB" in options else b)

            calls.add("matmul", ["$a", "$b", options] if options else ["$a", "$b"], inputs, forward)
    for rows, features, outputs in ((1, 1, 1), (3, 7, 5), (2, 33, 10)):
        inputs = {"x": calls.span((rows, features)), "weight": calls.span((outputs, features))}
        calls.add("linear", ["$x", "$weight"], inputs, F.linear)
        inputs = {**inputs, "bias": calls.span((outputs,))}
        calls.add("linear", ["$x", "$weight", "$bias"], inputs, F.linear)


if __name__ == "__main__":
    torch.set_num_threads(1)
    sums()
    extremes()
    places()
    products()
    calls.write("reductions")
