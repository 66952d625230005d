"""Convolutions by their public names, and as matrices, with their gradients, by PyTorch in float64."""

import torch
import torch.nn.functional as F

from calls import Calls

calls = Calls(80_000)


def convolution_options(options):
    known = ("stride", "padding", "dilation", "groups")
    return {key: options[key] for key in known if key in options}


def conv2d():
    for shape, filters, options in (
        ((2, 3, 5, 6), (4, 3, 3, 2), {}),
        ((2, 2, 6, 5), (3, 2, 3, 3), {"stride": 2, "padding": 1}),
        ((1, 4, 7, 7), (4, 2, 3, 3), {"dilation": 2, "groups": 2}),
        ((2, 3, 4, 5), (3, 1, 3, 3), {"padding": [2, 1], "groups": 3}),
        ((2, 2, 5, 5), (3, 2, 2, 3), {"stride": [1, 2], "flipKernel": True}),
    ):
        weight = calls.span(filters)
        inputs = {"x": calls.span(shape), "weight": weight, "bias": calls.span(filters[:1])}

        def forward(x, weight, bias=None):
            flipped = weight.flip(2, 3) if options.get("flipKernel") else weight
            return F.conv2d(x, flipped, bias, **convolution_options(options))

        calls.add("conv2d", ["$x", "$weight", "$bias", options], inputs, forward)
        del inputs["bias"]
        calls.add("conv2d", ["$x", "$weight", None, options], inputs, forward)


def conv1d():
    for shape, filters, options in (
        ((1, 1, 4), (1, 1, 3), {}),
        ((2, 3, 9), (4, 3, 3), {"padding": 1}),
        ((2, 2, 11), (3, 2, 4), {"stride": 2, "padding": 2}),
        ((1, 4, 10), (6, 2, 3), {"dilation": 3, "groups": 2}),
        ((3, 2, 8), (2, 1, 5), {"stride": 3, "groups": 2, "padding": 4}),
        ((1, 2, 7), (2, 2, 3), {"flipKernel": True}),
    ):
        inputs = {"x": calls.span(shape), "weight": calls.span(filters), "bias": calls.span(filters[:1])}

        def forward(x, weight, bias=None):
            flipped = weight.flip(2) if options.get("flipKernel") else weight
            return F.conv1d(x, flipped, bias, **convolution_options(options))

        calls.add("conv1d", ["$x", "$weight", "$bias", options], inputs, forward)
        del inputs["bias"]
        calls.add("conv1d", ["$x", "$weight", None, options], inputs, forward)


def conv_transpose2d():
    for shape, filters, options in (
        ((1, 1, 1, 1), (1, 1, 2, 3), {}),
        ((2, 3, 4, 3), (3, 2, 3, 3), {}),
        ((2, 2, 3, 4), (2, 3, 3, 3), {"stride": 2, "padding": 1}),
        ((1, 2, 3, 3), (2, 3, 3, 3), {"stride": 2, "padding": 1, "outputPadding": 1}),
        ((1, 2, 3, 4), (2, 2, 2, 3), {"stride": [3, 2], "outputPadding": [2, 0]}),
        ((1, 4, 3, 3), (4, 2, 3, 2), {"groups": 2, "dilation": 2}),
        ((1, 3, 4, 4), (3, 1, 4, 4), {"groups": 3, "stride": 2, "padding": [1, 2]}),
    ):
        channels = filters[1] * options.get("groups", 1)
        inputs = {"x": calls.span(shape), "weight": calls.span(filters), "bias": calls.span((channels,))}

        def forward(x, weight, bias=None):
            given = convolution_options(options)
            given["output_padding"] = options.get("outputPadding", 0)
            return F.conv_transpose2d(x, weight, bias, **given)

        calls.add("convTranspose2d", ["$x", "$weight", "$bias", options], inputs, forward)
        del inputs["bias"]
        calls.add("convTranspose2d", ["$x", "$weight", None, options], inputs, forward)


def matrices():
    """A convolution as a matrix: its rows are the outputs, its columns the units of the input."""

    def matrix(weight, shape, options, convolve):
        units = torch.eye(int(torch.tensor(shape).prod()), dtype=torch.float64)
        flipped = weight.flip(*range(2, weight.dim())) if options.get("flipKernel") else weight
        y = convolve(units.reshape(-1, *shape), flipped, None, **convolution_options(options))
        return y.reshape(len(units), -1).T

    for filters, shape, options in (
        ((2, 2, 2, 3), [2, 4, 5], {}),
        ((3, 2, 3, 3), [2, 4, 4], {"padding": 1, "stride": 2}),
        ((2, 1, 2, 2), [2, 5, 4], {"groups": 2, "dilation": [3, 1]}),
        ((1, 1, 2, 2), [1, 3, 3], {"flipKernel": True, "padding": 1}),
    ):
        run = lambda weight: matrix(weight, shape, options, F.conv2d)
        arguments = ["$weight", shape, options]
        calls.add("convMatrix2d", arguments, {"weight": calls.span(filters)}, run)
    for filters, shape, options in (
        ((3,), [6], {"padding": 0}),
        ((3,), [4], {"padding": 1}),
        ((2,), [7], {"stride": 2, "dilation": 3}),
        ((2, 2, 3), [2, 5], {"padding": 1}),
        ((4, 1, 2), [2, 5], {"groups": 2}),
    ):

        def run(weight):
            full = weight if weight.dim() == 3 else weight.reshape(1, 1, -1)
            return matrix(full, shape if len(shape) == 2 else [1, *shape], options, F.conv1d)

        arguments = ["$weight", shape, options]
        calls.add("convMatrix1d", arguments, {"weight": calls.span(filters)}, run)


if __name__ == "__main__":
    torch.set_num_threads(1)
    conv2d()
    conv1d()
    conv_transpose2d()
    matrices()
    calls.write("filters")
