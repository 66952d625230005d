"""Max pooling: values, winners and the gradient to the input, by PyTorch in float64.

A winner is its position r * S + s in the window. The inputs with `levels` hold ties, which PyTorch
gives to the first cell in row-major order.
"""

import numpy as np
import torch
import torch.nn.functional as F

from golden import Generated, case, write

# n, c, h, w | kernel | stride | padding vertical, horizontal | dilation | ceil mode | levels
CASES = [
    ((1, 1, 2, 2), (2, 2), (2, 2), (0, 0), (1, 1), False, None),
    ((2, 3, 6, 6), (2, 2), (2, 2), (0, 0), (1, 1), False, None),
    ((2, 3, 7, 5), (2, 2), (2, 2), (0, 0), (1, 1), False, None),
    ((2, 3, 7, 5), (2, 2), (2, 2), (0, 0), (1, 1), True, None),
    ((1, 2, 7, 8), (3, 3), (1, 1), (0, 0), (1, 1), False, None),
    ((1, 2, 7, 8), (3, 3), (2, 2), (1, 1), (1, 1), False, None),
    ((1, 2, 8, 8), (3, 3), (2, 2), (1, 1), (1, 1), True, None),
    ((1, 2, 8, 9), (3, 2), (2, 3), (1, 0), (1, 1), True, None),
    ((1, 2, 9, 8), (2, 3), (3, 1), (1, 1), (1, 1), False, None),
    ((1, 2, 9, 9), (2, 2), (4, 4), (0, 0), (1, 1), False, None),
    ((1, 2, 9, 9), (3, 3), (1, 1), (1, 1), (2, 2), False, None),
    ((1, 2, 10, 9), (3, 2), (2, 2), (1, 1), (2, 3), True, None),
    ((1, 2, 6, 7), (1, 1), (2, 2), (0, 0), (1, 1), False, None),
    ((1, 1, 1, 9), (1, 3), (1, 2), (0, 1), (1, 1), False, None),
    ((1, 17, 4, 4), (2, 2), (2, 2), (0, 0), (1, 1), False, None),
    ((1, 1, 20, 20), (17, 16), (1, 2), (8, 8), (1, 1), False, None),
    ((2, 3, 6, 6), (2, 2), (2, 2), (0, 0), (1, 1), False, 2),
    ((1, 3, 7, 7), (3, 3), (2, 2), (1, 1), (1, 1), False, 3),
    ((1, 3, 8, 7), (3, 3), (1, 1), (1, 1), (1, 1), False, 2),
    ((1, 2, 8, 8), (3, 3), (2, 2), (1, 1), (1, 1), True, 1),
    ((1, 2, 9, 9), (2, 3), (1, 2), (1, 1), (2, 2), False, 3),
]


def positions_in_window(indices, width, kernel, stride, padding, dilation):
    """PyTorch's indices into a plane as positions r * S + s in the window that they won."""
    p, q = np.meshgrid(*(np.arange(size) for size in indices.shape[2:]), indexing="ij")
    r = (indices // width - (p * stride[0] - padding[0])) // dilation[0]
    s = (indices % width - (q * stride[1] - padding[1])) // dilation[1]
    return r * kernel[1] + s


def make(index, size, kernel, stride, padding, dilation, ceil_mode, levels):
    x = Generated(3000 + 10 * index, size, levels)
    tensor = torch.tensor(x.values, requires_grad=True)
    y, indices = F.max_pool2d(
        tensor, kernel, stride, padding, dilation, ceil_mode, return_indices=True
    )
    dy = Generated(3000 + 10 * index + 1, tuple(y.shape))
    y.backward(torch.tensor(dy.values))
    winners = positions_in_window(indices.numpy(), size[3], kernel, stride, padding, dilation)
    attributes = {
        "kernelSize": kernel,
        "stride": stride,
        "padding": padding,
        "dilation": dilation,
        "ceilMode": ceil_mode,
        "ties": "first",
    }
    name = f"{size} window {kernel} stride {stride} padding {padding} dilation {dilation}"
    name += (" ceil" if ceil_mode else "") + (" with ties" if levels else "")
    outputs = {"y": y.detach().numpy(), "winners": winners, "dx": tensor.grad.numpy()}
    return case(name, attributes, {"x": x, "dy": dy}, outputs)


if __name__ == "__main__":
    torch.set_num_threads(1)
    made_by = f"make_pooling.py, PyTorch {torch.__version__}"
    write("pooling", made_by, [make(i, *entry) for i, entry in enumerate(CASES)])
