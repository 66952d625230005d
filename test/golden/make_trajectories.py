"""A hundred steps of every optimizer, with clipped gradients too, by PyTorch in float64.

The gradient of step t (from 0) is `gradients[t]`; `trajectory[t]` is the parameter after that step.
`clip` is what they go through before the update.
"""

import numpy as np
import torch

from golden import Generated, case, write

STEPS, SIZE = 100, 4
OPTIMIZERS = {
    "sgd": torch.optim.SGD,
    "adam": torch.optim.Adam,
    "adamW": torch.optim.AdamW,
    "rmsprop": torch.optim.RMSprop,
    "adagrad": torch.optim.Adagrad,
}
NAMES = {
    "learningRate": "lr",
    "weightDecay": "weight_decay",
    "epsilon": "eps",
    "learningRateDecay": "lr_decay",
    "initialAccumulatorValue": "initial_accumulator_value",
}
CASES = [
    ("sgd", {"learningRate": 0.1}, None),
    ("sgd", {"learningRate": 0.1, "weightDecay": 0.01}, None),
    ("sgd", {"learningRate": 0.05, "momentum": 0.9}, None),
    ("sgd", {"learningRate": 0.05, "momentum": 0.9, "nesterov": True}, None),
    ("sgd", {"learningRate": 0.05, "momentum": 0.8, "nesterov": True, "weightDecay": 0.05}, None),
    ("adam", {"learningRate": 0.001}, None),
    ("adam", {"learningRate": 0.02, "beta1": 0.8, "beta2": 0.95, "epsilon": 1e-4}, None),
    ("adam", {"learningRate": 0.01, "weightDecay": 0.1}, None),
    ("adamW", {"learningRate": 0.01}, None),
    ("adamW", {"learningRate": 0.01, "weightDecay": 0.1}, None),
    ("rmsprop", {"learningRate": 0.01}, None),
    ("rmsprop", {"learningRate": 0.01, "alpha": 0.9, "epsilon": 1e-4}, None),
    ("rmsprop", {"learningRate": 0.01, "momentum": 0.9}, None),
    ("rmsprop", {"learningRate": 0.01, "centered": True}, None),
    ("rmsprop", {"learningRate": 0.005, "momentum": 0.5, "centered": True, "weightDecay": 0.1}, None),
    ("adagrad", {"learningRate": 0.1}, None),
    ("adagrad", {"learningRate": 0.1, "learningRateDecay": 0.05}, None),
    ("adagrad", {"learningRate": 0.1, "weightDecay": 0.1, "epsilon": 1e-3}, None),
    ("adagrad", {"learningRate": 0.1, "initialAccumulatorValue": 0.5}, None),
    ("sgd", {"learningRate": 0.1}, {"clipNorm": 0.5}),
    ("sgd", {"learningRate": 0.1, "momentum": 0.9}, {"clipValue": 0.25}),
    ("adam", {"learningRate": 0.01}, {"clipNorm": 0.25}),
]


def make_optimizer(kind, parameters, settings):
    given = {NAMES.get(key, key): value for key, value in settings.items()}
    if kind.startswith("adam"):
        given["betas"] = (given.pop("beta1", 0.9), given.pop("beta2", 0.999))
    return OPTIMIZERS[kind](parameters, **given)


def make(index, kind, settings, clip):
    """Two parameters: clipping by norm takes them together."""
    seed = 90_000 + 10 * index
    starts = [Generated(seed + i, (SIZE - i,)) for i in range(2)]
    gradients = [Generated(seed + 2 + i, (STEPS, SIZE - i)) for i in range(2)]
    parameters = [torch.nn.Parameter(torch.tensor(start.values)) for start in starts]
    optimizer = make_optimizer(kind, parameters, settings)
    trajectories = [[], []]
    for t in range(STEPS):
        for parameter, all_of in zip(parameters, gradients):
            parameter.grad = torch.tensor(all_of.values[t])
        if clip and "clipNorm" in clip:
            torch.nn.utils.clip_grad_norm_(parameters, clip["clipNorm"])
        elif clip:
            torch.nn.utils.clip_grad_value_(parameters, clip["clipValue"])
        optimizer.step()
        for parameter, trajectory in zip(parameters, trajectories):
            trajectory.append(parameter.detach().numpy().copy())
    attributes = {"optimizer": kind, "settings": settings, "clip": clip}
    clipped = "".join(f" {k} {v}" for k, v in (clip or {}).items())
    name = f"{kind} {' '.join(f'{k} {v}' for k, v in settings.items())}{clipped}"
    inputs = {f"parameter{i}": start for i, start in enumerate(starts)}
    inputs.update({f"gradients{i}": each for i, each in enumerate(gradients)})
    outputs = {f"trajectory{i}": np.array(each) for i, each in enumerate(trajectories)}
    return case(name, attributes, inputs, outputs)


if __name__ == "__main__":
    torch.set_num_threads(1)
    made_by = f"make_trajectories.py, PyTorch {torch.__version__}"
    write("trajectories", made_by, [make(i, *entry) for i, entry in enumerate(CASES)])
