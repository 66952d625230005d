"""Files of weights by PyTorch and safetensors, or by NumPy, with what the networks give in float64."""

import base64
import collections
import io

import numpy as np
import safetensors
import safetensors.torch
import torch
from torch import nn

from golden import Generated, case, write

cases = []


def numbered():
    """Activations count, so the numbers are others than those of layers that have them as options."""
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1),
        nn.ReLU(),
        nn.BatchNorm2d(8),
        nn.MaxPool2d(2),
        nn.Conv2d(8, 8, 3, stride=2, groups=4, bias=False),
        nn.PReLU(8),
        nn.ConvTranspose2d(8, 6, 3, stride=2, output_padding=1, groups=2),
        nn.Tanh(),
        nn.GroupNorm(3, 6),
        nn.Flatten(),
        nn.Linear(6 * 8 * 6, 5),
    )


def named():
    layers = [
        ("stem", nn.Conv2d(3, 6, (3, 2), groups=3)),
        ("norm", nn.BatchNorm2d(6)),
        ("relu", nn.ReLU()),
        ("flat", nn.Flatten()),
        ("head", nn.Linear(6 * 4 * 5, 4, bias=False)),
    ]
    return nn.Sequential(collections.OrderedDict(layers))


def sequence():
    layers = [
        ("conv", nn.Conv1d(4, 6, 3, dilation=2)),
        ("norm", nn.LayerNorm([6, 5])),
        ("flat", nn.Flatten()),
        ("hidden", nn.Linear(30, 7)),
        ("batch", nn.BatchNorm1d(7, affine=False)),
    ]
    return nn.Sequential(collections.OrderedDict(layers))


def trained(make, shape):
    """The network with parameters that all differ and running statistics of three batches."""
    torch.manual_seed(1)
    net = make()
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.copy_(torch.randn(parameter.shape) * 0.4 + 0.1)
        for _ in range(3):
            net(torch.randn(8, *shape) * 2 + 0.5)
    return net


def add(name, make, shape, encode, dtype=torch.float32, prefix=""):
    net = trained(make, shape).to(dtype)
    state = {prefix + key: value for key, value in net.state_dict().items()}
    data = encode(state)
    x = Generated(len(cases) + 1, [3, *shape])
    with torch.no_grad():
        y = net.double().eval()(torch.tensor(x.values))
    file = base64.b64encode(data).decode("ascii")
    # Keys in the order of the network, which a file need not have.
    attributes = {"file": file, "names": list(state)}
    cases.append(case(name, attributes, {"x": x}, {"y": y.numpy()}))


def npz(save):
    def encode(state):
        file = io.BytesIO()
        save(file, **{key: value.numpy() for key, value in state.items()})
        return file.getvalue()

    return encode


if __name__ == "__main__":
    tensors = safetensors.torch.save
    add("numbered", numbered, (3, 14, 10), tensors)
    add("named", named, (3, 6, 6), tensors)
    add("half", named, (3, 6, 6), tensors, torch.float16, "module.")
    add("bfloat16", named, (3, 6, 6), tensors, torch.bfloat16)
    add("double", named, (3, 6, 6), tensors, torch.float64)
    add("sequence", sequence, (4, 9), npz(np.savez))
    add("compressed", numbered, (3, 14, 10), npz(np.savez_compressed))
    made_by = f"PyTorch {torch.__version__}, safetensors {safetensors.__version__}"
    write("weights", f"make_weights.py, {made_by}, NumPy {np.__version__}", cases)
