"""Three training steps of the MNIST network in float64, as loops over SciPy's convolve2d.

The network: true convolution 32 of 3x3 ('valid'), ReLU, max pooling 2x2, flatten, dense 100 ReLU,
dense 10 softmax, mean cross-entropy, Adam 0.001. Inputs and parameters come from the generator of
golden.py, so they are not stored; README.md tells how they are made. Every tie rule of the pooling
is trained once. The images have an empty border, on which all of a window's cells are equal as
soon as the biases have left zero, so that the rules matter. ('split' and 'first' agree here up to
rounding: the tied cells of a window saw equal patches.)
"""

import json
import math
import pathlib

import numpy as np
import scipy
from scipy.signal import convolve2d

from golden import uniforms

IMAGES, STEPS, RATE, SAMPLES = 6, 3, 0.001, 64
SEEDS = {"images": 11, "labels": 12, "0.weight": 21, "3.weight": 22, "4.weight": 23}
SHAPES = {
    "0.weight": (32, 1, 3, 3),
    "0.bias": (32,),
    "3.weight": (100, 5408),
    "3.bias": (100,),
    "4.weight": (10, 100),
    "4.bias": (10,),
}


def make_images():
    """Pixels k / 255 in the 14x14 block from (6, 5); zero elsewhere."""
    x = np.zeros((IMAGES, 1, 28, 28))
    block = np.floor(uniforms(SEEDS["images"], IMAGES * 14 * 14) * 256) / 255
    x[:, 0, 6:20, 5:19] = block.reshape(IMAGES, 14, 14)
    labels = np.floor(uniforms(SEEDS["labels"], IMAGES) * 10).astype(np.int64)
    return x, labels


def make_parameters():
    """He-scaled filters, near normal: four uniforms added, exact in any language; zero biases."""
    parameters = {}
    for name, shape in SHAPES.items():
        if name not in SEEDS:
            parameters[name] = np.zeros(shape)
            continue
        u = uniforms(SEEDS[name], 4 * math.prod(shape)).reshape(-1, 4)
        total = u[:, 0] + u[:, 1] + u[:, 2] + u[:, 3] - 2
        parameters[name] = (total * math.sqrt(6 / math.prod(shape[1:]))).reshape(shape)
    return parameters


def convolve(x, filters, bias):
    n, channels, h, w = x.shape
    count, _, r, s = filters.shape
    z = np.empty((n, count, h - r + 1, w - s + 1))
    for i in range(n):
        for k in range(count):
            z[i, k] = bias[k]
            for c in range(channels):
                z[i, k] += convolve2d(x[i, c], filters[k, c], mode="valid")
    return z


def filter_gradient(x, dz, shape):
    """The convolution of the input with the doubly flipped output gradient, flipped back."""
    df = np.zeros(shape)
    for k in range(shape[0]):
        for c in range(shape[1]):
            for i in range(len(x)):
                flipped = convolve2d(x[i, c], dz[i, k, ::-1, ::-1], mode="valid")
                df[k, c] += flipped[::-1, ::-1]
    return df


def windows(a):
    """(n, c, h, w) → (n, c, h/2, w/2, 4), the cells of a 2x2 window in row-major order."""
    n, c, h, w = a.shape
    return a.reshape(n, c, h // 2, 2, w // 2, 2).swapaxes(3, 4).reshape(n, c, h // 2, w // 2, 4)


def unwindows(cells):
    n, c, p, q, _ = cells.shape
    return cells.reshape(n, c, p, q, 2, 2).swapaxes(3, 4).reshape(n, c, 2 * p, 2 * q)


def winner_shares(cells, ties):
    """What part of a window's gradient each of its cells gets."""
    won = (cells == cells.max(axis=-1, keepdims=True)).astype(float)
    if ties == "all":
        return won
    if ties == "split":
        return won / won.sum(axis=-1, keepdims=True)
    first = np.zeros_like(won)
    np.put_along_axis(first, won.argmax(axis=-1)[..., np.newaxis], 1.0, axis=-1)
    return first


def loss_and_gradients(parameters, x, labels, ties):
    n = len(x)
    z0 = convolve(x, parameters["0.weight"], parameters["0.bias"])
    cells = windows(np.maximum(z0, 0))
    pooled = cells.max(axis=-1)
    flat = pooled.reshape(n, -1)
    z3 = flat @ parameters["3.weight"].T + parameters["3.bias"]
    a3 = np.maximum(z3, 0)
    logits = a3 @ parameters["4.weight"].T + parameters["4.bias"]

    shifted = logits - logits.max(axis=1, keepdims=True)
    log_sum = np.log(np.exp(shifted).sum(axis=1))
    rows = np.arange(n)
    loss = float(np.mean(log_sum - shifted[rows, labels]))

    d4 = np.exp(shifted - log_sum[:, np.newaxis])
    d4[rows, labels] -= 1
    d4 /= n
    d3 = (d4 @ parameters["4.weight"]) * (z3 > 0)
    d_pooled = (d3 @ parameters["3.weight"]).reshape(pooled.shape)
    shares = winner_shares(cells, ties)
    d0 = unwindows(shares * d_pooled[..., np.newaxis]) * (z0 > 0)
    gradients = {
        "0.weight": filter_gradient(x, d0, SHAPES["0.weight"]),
        "0.bias": d0.sum(axis=(0, 2, 3)),
        "3.weight": d3.T @ flat,
        "3.bias": d3.sum(axis=0),
        "4.weight": d4.T @ a3,
        "4.bias": d4.sum(axis=0),
    }
    tied = int(np.sum((cells == pooled[..., np.newaxis]).sum(axis=-1)[pooled > 0] > 1))
    return loss, gradients, tied


class Adam:
    def __init__(self, parameters):
        self.step = 0
        self.m = {name: np.zeros_like(p) for name, p in parameters.items()}
        self.v = {name: np.zeros_like(p) for name, p in parameters.items()}

    def update(self, parameters, gradients):
        self.step += 1
        for name, g in gradients.items():
            self.m[name] = 0.9 * self.m[name] + 0.1 * g
            self.v[name] = 0.999 * self.v[name] + 0.001 * g * g
            denominator = np.sqrt(self.v[name]) / math.sqrt(1 - 0.999**self.step) + 1e-8
            parameters[name] -= RATE / (1 - 0.9**self.step) * self.m[name] / denominator


def summary(value):
    flat = value.ravel()
    stride = max(1, flat.size // SAMPLES)
    return {
        "norm": math.sqrt(math.fsum(flat * flat)),
        "sum": math.fsum(flat),
        "absoluteSum": math.fsum(np.abs(flat)),
        "stride": stride,
        "samples": flat[::stride][:SAMPLES].tolist(),
    }


def train(ties):
    x, labels = make_images()
    parameters = make_parameters()
    adam = Adam(parameters)
    steps = []
    for number in range(STEPS):
        loss, gradients, tied = loss_and_gradients(parameters, x, labels, ties)
        adam.update(parameters, gradients)
        print(f"{ties} step {number}: loss {loss:.12f}, {tied} tied windows above zero")
        steps.append(
            {
                "loss": loss,
                "gradients": {name: summary(g) for name, g in gradients.items()},
                "parameters": {name: summary(p) for name, p in parameters.items()},
            }
        )
    return {"ties": ties, "steps": steps}


def main():
    x, labels = make_images()
    document = {
        "version": 1,
        "madeBy": f"make_sheet_steps.py, SciPy {scipy.__version__}, NumPy {np.__version__}",
        "seeds": SEEDS,
        "shapes": SHAPES,
        "imageCount": IMAGES,
        "learningRate": RATE,
        "labels": labels.tolist(),
        "initial": {name: summary(p) for name, p in make_parameters().items()},
        "images": summary(x),
        "runs": [train(ties) for ties in ("all", "split", "first")],
    }
    file = pathlib.Path(__file__).parent / "sheet-steps.json"
    text = json.dumps(document, separators=(",", ":"))
    file.write_text(text.replace('{"ties"', '\n{"ties"').replace('{"loss"', '\n{"loss"') + "\n")
    print(f"{file.name}: {file.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
