"""Poolings, unfold and fold with their gradients, by PyTorch in float64."""

import torch
import torch.nn.functional as F

from calls import Calls

calls = Calls(70_000)


def pair(value):
    return value if isinstance(value, (list, tuple)) else [value, value]


def columns():
    for shape, options in (
        ((1, 1, 3, 3), {"kernelSize": 2}),
        ((2, 3, 5, 4), {"kernelSize": [3, 2], "padding": 1}),
        ((1, 2, 7, 6), {"kernelSize": 3, "stride": 2, "padding": [1, 2]}),
        ((1, 2, 7, 8), {"kernelSize": [2, 3], "dilation": [3, 2]}),
    ):
        known = {"kernelSize": "kernel_size"}
        settings = {known.get(key, key): value for key, value in options.items()}
        x = calls.span(shape)
        unfold = lambda x: F.unfold(x, **settings)
        calls.add("unfold", ["$x", options], {"x": x}, unfold, exact=["y"])
        count = tuple(unfold(torch.tensor(x.values)).shape)
        fold = lambda x: F.fold(x, shape[2:], **settings)
        arguments = ["$x", {"outputSize": list(shape[2:]), **options}]
        calls.add("fold", arguments, {"x": calls.span(count)}, fold, exact=["dx"])


def averages():
    for shape, options in (
        ((1, 1, 4, 4), {"kernelSize": 2}),
        ((2, 3, 7, 5), {"kernelSize": 2}),
        ((2, 3, 7, 5), {"kernelSize": 2, "ceilMode": True}),
        ((1, 2, 7, 8), {"kernelSize": 3, "stride": 2, "padding": 1}),
        ((1, 2, 7, 8), {"kernelSize": 3, "stride": 2, "padding": 1, "countIncludePad": False}),
        ((1, 2, 8, 9), {"kernelSize": [3, 2], "stride": [2, 3], "padding": [1, 0], "ceilMode": True}),
        ((1, 2, 8, 8), {"kernelSize": 3, "stride": 2, "padding": 1, "ceilMode": True, "countIncludePad": False}),
    ):
        run = lambda x: F.avg_pool2d(x, **pool_options(options))
        calls.add("avgPool2d", ["$x", options], {"x": calls.span(shape)}, run)
    for shape, options in (
        ((2, 3, 9), {"kernelSize": 2}),
        ((1, 2, 9), {"kernelSize": 3, "stride": 2, "padding": 1}),
        ((1, 2, 8), {"kernelSize": 3, "stride": 2, "padding": 1, "ceilMode": True}),
        ((1, 2, 9), {"kernelSize": 4, "padding": 2, "countIncludePad": False}),
    ):
        run = lambda x: F.avg_pool1d(x, **pool_options(options))
        calls.add("avgPool1d", ["$x", options], {"x": calls.span(shape)}, run)
    for shape in ((1, 1, 1, 1), (2, 3, 4, 5), (2, 17, 3, 3)):
        run = lambda x: x.mean((2, 3))
        calls.add("globalAvgPool2d", ["$x"], {"x": calls.span(shape)}, run)
    for shape, size in (((2, 3, 6, 4), 2), ((1, 2, 7, 5), [3, 2]), ((1, 2, 3, 4), 5), ((1, 1, 4, 4), 1)):
        run = lambda x: F.adaptive_avg_pool2d(x, size)
        calls.add("adaptiveAvgPool2d", ["$x", {"outputSize": size}], {"x": calls.span(shape)}, run)


def pool_options(options):
    known = {
        "kernelSize": "kernel_size",
        "ceilMode": "ceil_mode",
        "countIncludePad": "count_include_pad",
    }
    return {known.get(key, key): value for key, value in options.items()}


def positions_in_window(indices, width, options):
    """PyTorch's indices into a plane as positions r * S + s in the window that they won."""
    kernel = pair(options["kernelSize"])
    stride, padding = pair(options.get("stride", kernel)), pair(options.get("padding", 0))
    dilation = pair(options.get("dilation", 1))
    p, q = torch.meshgrid(*(torch.arange(n) for n in indices.shape[2:]), indexing="ij")
    r = (indices // width - (p * stride[0] - padding[0])) // dilation[0]
    s = (indices % width - (q * stride[1] - padding[1])) // dilation[1]
    return (r * kernel[1] + s).to(torch.uint8)


def maxima():
    for shape, options in (
        ((2, 3, 7, 5), {"kernelSize": 2}),
        ((2, 2, 7, 8), {"kernelSize": 3, "stride": 2, "padding": 1, "ceilMode": True}),
        ((1, 2, 9, 8), {"kernelSize": [2, 3], "stride": 1, "dilation": [3, 2]}),
    ):
        for make in (calls.span, lambda shape: calls.levels(shape, 3)):
            title = "" if make == calls.span else "with ties"
            run = lambda x: F.max_pool2d(x, **pool_options(options))
            given = {"x": make(shape)}
            calls.add("maxPool2d", ["$x", options], given, run, title=title, exact=["y"])

            def winners(x):
                y, indices = F.max_pool2d(x, **pool_options(options), return_indices=True)
                return {"0": y, "1": positions_in_window(indices, shape[3], options)}

            arguments = ["$x", options]
            calls.add("maxPool2dWithWinners", arguments, given, winners, title=title, exact=["0"])
    for shape, options in (
        ((2, 3, 9), {"kernelSize": 2}),
        ((1, 2, 9), {"kernelSize": 3, "stride": 2, "padding": 1}),
        ((1, 2, 10), {"kernelSize": 3, "stride": 2, "dilation": 2, "ceilMode": True}),
    ):
        run = lambda x: F.max_pool1d(x, **pool_options(options))
        calls.add("maxPool1d", ["$x", options], {"x": calls.span(shape)}, run, exact=["y"])
    unpool()


def unpool():
    for shape, options in (
        ((2, 3, 6, 4), {"kernelSize": 2}),
        ((1, 2, 7, 5), {"kernelSize": 2, "outputSize": [7, 5]}),
        ((1, 2, 9, 7), {"kernelSize": 2, "stride": 3, "outputSize": [9, 7]}),
    ):
        size = options.get("outputSize", list(shape[2:]))
        stride = options.get("stride", options["kernelSize"])
        y, indices = F.max_pool2d(
            torch.tensor(calls.span(shape).values), options["kernelSize"], stride, return_indices=True
        )
        winners = positions_in_window(indices, shape[3], options).numpy()
        run = lambda y, winners: F.max_unpool2d(
            y, indices, options["kernelSize"], stride, output_size=size
        )
        given = {"y": calls.span(tuple(y.shape)), "winners": winners}
        calls.add("maxUnpool2d", ["$y", "$winners", options], given, run, output="x", exact=["x", "dy"])


def signal_means():
    for shape in ((1, 1, 1), (2, 3, 9), (2, 17, 20)):
        run = lambda x: x.mean(2)
        calls.add("globalAvgPool1d", ["$x"], {"x": calls.span(shape)}, run)


if __name__ == "__main__":
    torch.set_num_threads(1)
    columns()
    averages()
    maxima()
    signal_means()
    calls.write("windows")
