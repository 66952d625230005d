"""Operators that move values, with their gradients, by PyTorch and NumPy in float64."""

import numpy as np
import torch
import torch.nn.functional as F

from calls import Calls

calls = Calls(60_000)
MOVED = {"exact": ["y", "dx"]}


def one(operator, shape, arguments, forward, **claims):
    claims = claims or MOVED
    calls.add(operator, ["$x", *arguments], {"x": calls.span(shape)}, forward, **claims)


def shapes():
    one("reshape", (2, 6), [[3, 4]], lambda x: x.reshape(3, 4))
    one("reshape", (2, 3, 2), [[12]], lambda x: x.reshape(12))
    one("reshape", (1,), [[]], lambda x: x.reshape(()))
    one("flatten", (2, 3, 2, 2), [], lambda x: x.flatten(1))
    one("flatten", (3, 4), [], lambda x: x.flatten(1))
    one("transpose", (3, 5), [], lambda x: x.T)
    one("transpose", (2, 3, 4), [], lambda x: x.permute(2, 1, 0))
    for axes in ([0, 2, 3, 1], [3, 0, 1, 2], [1, 0, 2, 3], [0, 1, 2, 3]):
        one("transpose", (2, 3, 4, 2), [axes], lambda x: x.permute(axes))


def joins():
    for parts, axis in (
        (((2, 3), (1, 3)), None),
        (((2, 3), (2, 1), (2, 4)), 1),
        (((2, 3, 2), (2, 3, 5)), -1),
        (((2, 1, 2, 3), (2, 3, 2, 3)), 1),
        (((4,),), 0),
        (((2, 0), (2, 3)), 1),
    ):
        inputs = {f"x{i}": calls.span(shape) for i, shape in enumerate(parts)}
        arguments = [[f"${name}" for name in inputs]]
        if axis is not None:
            arguments.append({"axis": axis})
        exact = ["y", *(f"d{name}" for name in inputs)]
        forward = lambda *xs: torch.cat(xs, axis or 0)
        calls.add("concat", arguments, inputs, forward, exact=exact)


def parts():
    for shape, ranges in (
        ((7,), [[2, 5]]),
        ((7,), [[-4, -1]]),
        ((4, 6), [None, [1, 6, 2]]),
        ((4, 6), [[1, 3]]),
        ((3, 5, 4), [[0, 3, 2], [0, 5, 3], [1, 4]]),
        ((2, 4, 3, 5), [None, [1, 3], None, [0, 5, 4]]),
        ((5,), [[2, 2]]),
    ):
        cut = tuple(slice(None) if r is None else slice(*r) for r in ranges)
        one("slice", shape, [ranges], lambda x: x[cut])


def gathers():
    def forward(x, indices, axis):
        found = torch.index_select(x, axis, indices.reshape(-1).long())
        return found.reshape(x.shape[:axis] + indices.shape + x.shape[axis + 1 :])

    for shape, indices, axis, dtype in (
        ((5, 3), (4,), 0, np.int32),
        ((5, 3), (2, 3), 0, np.uint8),
        ((3, 6), (9,), 1, np.int32),
        ((2, 4, 3), (5,), 1, np.int32),
        ((2, 4, 2, 3), (3,), 1, np.uint8),
        ((7,), (), 0, np.int32),
    ):
        inputs = {"x": calls.span(shape), "indices": calls.integers(indices, shape[axis], dtype)}
        arguments = ["$x", "$indices"] + ([{"axis": axis}] if axis else [])
        run = lambda x, indices: forward(x, indices, axis)
        calls.add("gather", arguments, inputs, run, exact=["y"])
    chosen = [3, 0, 3, 1]
    run = lambda x: forward(x, torch.tensor(chosen), 1)
    one("gather", (2, 4, 3), [chosen, {"axis": 1}], run, exact=["y"])


def turns():
    one("flip", (2, 3), [], lambda x: x.flip(0, 1))
    one("flip", (5,), [], lambda x: x.flip(0))
    for axes in ([0], [2, 3], [-1], [1]):
        one("flip", (2, 3, 4, 5), [axes], lambda x: x.flip(axes))
    one("rot90", (3, 4), [], lambda x: torch.rot90(x))
    for k in (1, 2, 3, -1, 4):
        one("rot90", (2, 2, 3, 4), [{"k": k, "axes": [2, 3]}], lambda x: torch.rot90(x, k, (2, 3)))
    one("rot90", (3, 4, 2), [{"k": 1, "axes": [2, 0]}], lambda x: torch.rot90(x, 1, (2, 0)))


def padded(x, pads, mode, value):
    if mode == "constant":
        flat = [side for pair in reversed(pads) for side in pair]
        return F.pad(x, flat, "constant", value)
    names = {"reflect": "reflect", "replicate": "edge"}
    places = torch.arange(x.numel()).reshape(x.shape).numpy()
    widths = [(0, 0)] * (x.dim() - len(pads)) + [tuple(pair) for pair in pads]
    return x.reshape(-1)[torch.tensor(np.pad(places, widths, names[mode]))]


def pads():
    for shape, widths, modes in (
        ((5,), [[2, 3]], ("constant", "reflect", "replicate")),
        ((3, 4), [[1, 2], [0, 3]], ("constant", "reflect", "replicate")),
        ((2, 3, 4), [[1, 1]], ("constant", "reflect", "replicate")),
        ((2, 2, 4, 3), [[3, 1], [2, 2]], ("constant", "reflect", "replicate")),
        ((2, 3, 2, 2), [[1, 0], [0, 1], [3, 1]], ("constant", "replicate")),
    ):
        for mode in modes:
            options = [] if mode == "constant" else [{"mode": mode}]
            exact = ["y", "dx"] if mode == "constant" else ["y"]
            run = lambda x: padded(x, widths, mode, 0)
            one("pad", shape, [widths, *options], run, exact=exact)
    run = lambda x: padded(x, [[1, 2]], "constant", -0.75)
    one("pad", (2, 3), [[[1, 2]], {"value": -0.75}], run)


def axes():
    one("unsqueeze", (2, 3), [{"axis": 1}], lambda x: x.unsqueeze(1))
    one("unsqueeze", (2, 3), [{"axis": -1}], lambda x: x.unsqueeze(-1))
    one("unsqueeze", (), [{"axis": 0}], lambda x: x.unsqueeze(0))
    one("squeeze", (2, 1, 3, 1), [], lambda x: x.squeeze())
    one("squeeze", (2, 1, 3, 1), [{"axis": -1}], lambda x: x.squeeze(-1))
    one("squeeze", (1, 2, 1), [{"axis": [2, 0]}], lambda x: x.squeeze(2).squeeze(0))
    for shape, count, axis in (((2, 3), 2, None), ((2, 3), 3, 1), ((2, 3), 2, -1), ((), 4, 0)):
        inputs = {f"x{i}": calls.span(shape) for i in range(count)}
        arguments = [[f"${name}" for name in inputs]]
        if axis is not None:
            arguments.append({"axis": axis})
        exact = ["y", *(f"d{name}" for name in inputs)]
        forward = lambda *xs: torch.stack(xs, axis or 0)
        calls.add("stack", arguments, inputs, forward, exact=exact, title=f"of {count}")


def casts():
    for dtype, name in ((torch.int32, "int32"), (torch.uint8, "uint8")):
        low = 0.0 if name == "uint8" else -200.0
        inputs = {"x": calls.span((3, 7), low, 200.0)}
        calls.add("cast", ["$x", name], inputs, lambda x: x.to(dtype), exact=["y"])
    inputs = {"x": calls.integers((3, 7), 256, np.uint8)}
    calls.add("cast", ["$x", "int32"], inputs, lambda x: x.int(), exact=["y"], title="of uint8")
    inputs = {"x": calls.integers((3, 7), 1000) - 500}
    calls.add("cast", ["$x", "uint8"], inputs, lambda x: x.to(torch.uint8), exact=["y"], title="of int32")


if __name__ == "__main__":
    torch.set_num_threads(1)
    shapes()
    joins()
    parts()
    gathers()
    turns()
    pads()
    axes()
    casts()
    calls.write("movement")
