"""Convolution (correlation, as PyTorch has it) with its three gradients, in float64."""

import numpy as np
import torch
import torch.nn.functional as F

from golden import Generated, case, write

# n, c, h, w | k, r, s | stride | padding top bottom left right | dilation | groups | bias
CASES = [
    ((1, 1, 1, 1), (1, 1, 1), (1, 1), (0, 0, 0, 0), (1, 1), 1, True),
    ((1, 1, 5, 5), (1, 3, 3), (1, 1), (0, 0, 0, 0), (1, 1), 1, True),
    ((2, 1, 6, 6), (4, 3, 3), (1, 1), (0, 0, 0, 0), (1, 1), 1, True),
    ((2, 3, 6, 5), (4, 3, 3), (1, 1), (1, 1, 1, 1), (1, 1), 1, True),
    ((2, 3, 6, 5), (4, 3, 3), (1, 1), (1, 1, 1, 1), (1, 1), 1, False),
    ((1, 2, 7, 7), (3, 3, 3), (2, 2), (0, 0, 0, 0), (1, 1), 1, True),
    ((1, 2, 8, 7), (3, 3, 3), (2, 2), (1, 1, 1, 1), (1, 1), 1, True),
    ((2, 2, 8, 8), (3, 3, 3), (2, 2), (0, 1, 0, 1), (1, 1), 1, True),
    ((1, 2, 9, 8), (2, 3, 3), (3, 3), (0, 0, 0, 0), (1, 1), 1, True),
    ((1, 2, 9, 10), (2, 2, 2), (3, 4), (0, 0, 0, 0), (1, 1), 1, True),
    ((1, 2, 7, 9), (3, 3, 2), (2, 1), (1, 0, 0, 2), (1, 1), 1, True),
    ((2, 3, 5, 5), (5, 1, 1), (1, 1), (0, 0, 0, 0), (1, 1), 1, True),
    ((2, 3, 6, 5), (5, 1, 1), (2, 2), (0, 0, 0, 0), (1, 1), 1, True),
    ((1, 3, 4, 4), (2, 1, 1), (1, 1), (1, 1, 1, 1), (1, 1), 1, True),
    ((1, 2, 8, 8), (3, 3, 3), (1, 1), (0, 0, 0, 0), (2, 2), 1, True),
    ((1, 2, 9, 8), (3, 3, 3), (1, 1), (2, 2, 2, 2), (2, 2), 1, True),
    ((1, 2, 9, 9), (2, 3, 2), (2, 2), (1, 1, 1, 1), (2, 3), 1, True),
    ((1, 2, 10, 9), (2, 2, 3), (3, 2), (2, 0, 1, 3), (2, 1), 1, True),
    ((1, 1, 11, 11), (2, 3, 3), (2, 3), (0, 3, 2, 0), (3, 2), 1, True),
    ((2, 4, 5, 5), (4, 3, 3), (1, 1), (1, 1, 1, 1), (1, 1), 2, True),
    ((1, 4, 5, 5), (6, 3, 3), (1, 1), (0, 0, 0, 0), (1, 1), 2, True),
    ((1, 4, 6, 6), (4, 3, 3), (1, 1), (1, 1, 1, 1), (1, 1), 4, True),
    ((1, 3, 6, 6), (6, 3, 3), (2, 2), (1, 1, 1, 1), (1, 1), 3, True),
    ((1, 6, 5, 6), (3, 2, 2), (1, 2), (0, 1, 1, 0), (1, 1), 3, False),
    ((1, 4, 8, 7), (4, 3, 3), (2, 1), (1, 2, 0, 1), (2, 2), 4, True),
    ((2, 4, 7, 7), (8, 1, 1), (2, 2), (0, 0, 0, 0), (1, 1), 4, True),
    ((1, 2, 3, 3), (3, 3, 3), (1, 1), (0, 0, 0, 0), (1, 1), 1, True),
    ((1, 2, 3, 3), (2, 3, 3), (1, 1), (4, 4, 4, 4), (1, 1), 1, True),
    ((1, 1, 2, 2), (2, 2, 2), (1, 1), (3, 0, 0, 5), (1, 1), 1, True),
    ((1, 2, 4, 4), (2, 3, 3), (4, 4), (3, 3, 3, 3), (1, 1), 1, True),
    ((1, 2, 1, 9), (3, 1, 3), (1, 1), (0, 0, 1, 1), (1, 1), 1, True),
    ((1, 2, 9, 1), (3, 4, 1), (1, 1), (2, 1, 0, 0), (1, 1), 1, True),
    ((1, 2, 1, 12), (2, 1, 5), (1, 2), (0, 0, 2, 2), (1, 2), 1, True),
    ((1, 3, 7, 7), (2, 5, 5), (1, 1), (2, 2, 2, 2), (1, 1), 1, True),
    ((1, 3, 9, 9), (2, 7, 7), (2, 2), (3, 3, 3, 3), (1, 1), 1, True),
    ((1, 1, 12, 12), (2, 11, 11), (4, 4), (2, 2, 2, 2), (1, 1), 1, True),
    ((3, 1, 4, 5), (17, 3, 3), (1, 1), (0, 0, 0, 0), (1, 1), 1, True),
    ((1, 17, 4, 4), (3, 3, 3), (1, 1), (1, 1, 1, 1), (1, 1), 1, True),
    ((1, 16, 3, 4), (16, 1, 1), (1, 1), (0, 0, 0, 0), (1, 1), 1, False),
    ((5, 2, 4, 4), (2, 2, 2), (2, 2), (0, 0, 0, 0), (1, 1), 1, True),
    ((1, 2, 5, 5), (2, 1, 1), (3, 3), (0, 0, 0, 0), (1, 1), 1, True),
]


def make(index, size, filters, stride, padding, dilation, groups, with_bias):
    n, c, h, w = size
    k, r, s = filters
    top, bottom, left, right = padding
    x = Generated(100 * index + 1, size)
    weight = Generated(100 * index + 2, (k, c // groups, r, s))
    bias = Generated(100 * index + 3, (k,)) if with_bias else None

    tensors = [torch.tensor(t.values, requires_grad=True) for t in (x, weight)]
    bias_tensor = torch.tensor(bias.values, requires_grad=True) if with_bias else None
    padded = F.pad(tensors[0], (left, right, top, bottom))
    y = F.conv2d(padded, tensors[1], bias_tensor, stride, 0, dilation, groups)
    dy = Generated(100 * index + 4, tuple(y.shape))
    y.backward(torch.tensor(dy.values))

    inputs = {"x": x, "weight": weight, "dy": dy}
    outputs = {"y": y.detach(), "dx": tensors[0].grad, "dweight": tensors[1].grad}
    if with_bias:
        inputs["bias"] = bias
        outputs["dbias"] = bias_tensor.grad
    attributes = {
        "stride": stride,
        "padding": padding,
        "dilation": dilation,
        "groups": groups,
        "flipKernel": False,
    }
    name = f"{size} * {(k, c // groups, r, s)} stride {stride} padding {padding}"
    name += f" dilation {dilation} groups {groups}"
    return case(name, attributes, inputs, {key: np.asarray(v) for key, v in outputs.items()})


if __name__ == "__main__":
    torch.set_num_threads(1)
    made_by = f"make_convolution.py, PyTorch {torch.__version__}"
    write("convolution", made_by, [make(i + 1, *entry) for i, entry in enumerate(CASES)])
