"""Twenty steps of SGD and Adam by PyTorch in float64.

The gradient of step t (from 0) is `gradients[t]`; `trajectory[t]` is the parameter after that step.
"""

import numpy as np
import torch

from golden import Generated, case, write

STEPS, SIZE = 20, 9
SGD = {"momentum": 0, "dampening": 0, "weightDecay": 0, "nesterov": False}
ADAM = {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8, "weightDecay": 0, "decoupled": False}
CASES = [
    ("sgd", 0.1, {}),
    ("sgd", 0.1, {"weightDecay": 0.01}),
    ("sgd", 0.05, {"momentum": 0.9}),
    ("sgd", 0.05, {"momentum": 0.9, "dampening": 0.3}),
    ("sgd", 0.05, {"momentum": 0.9, "nesterov": True}),
    ("sgd", 0.05, {"momentum": 0.8, "nesterov": True, "weightDecay": 0.05}),
    ("adam", 0.001, {}),
    ("adam", 0.02, {"beta1": 0.8, "beta2": 0.95, "epsilon": 1e-4}),
    ("adam", 0.01, {"weightDecay": 0.1}),
    ("adam", 0.01, {"weightDecay": 0.1, "decoupled": True}),
]


def make_optimizer(kind, parameter, rate, settings):
    if kind == "sgd":
        names = {"weightDecay": "weight_decay"}
        return torch.optim.SGD(
            [parameter], lr=rate, **{names.get(k, k): v for k, v in settings.items()}
        )
    make = torch.optim.AdamW if settings["decoupled"] else torch.optim.Adam
    return make(
        [parameter],
        lr=rate,
        betas=(settings["beta1"], settings["beta2"]),
        eps=settings["epsilon"],
        weight_decay=settings["weightDecay"],
    )


def make(index, kind, rate, changed):
    settings = {**(SGD if kind == "sgd" else ADAM), **changed}
    start = Generated(5000 + 10 * index, (SIZE,))
    gradients = Generated(5000 + 10 * index + 1, (STEPS, SIZE))
    parameter = torch.nn.Parameter(torch.tensor(start.values))
    optimizer = make_optimizer(kind, parameter, rate, settings)
    trajectory = []
    for gradient in gradients.values:
        parameter.grad = torch.tensor(gradient)
        optimizer.step()
        trajectory.append(parameter.detach().numpy().copy())
    state = optimizer.state[parameter]
    slots = {"momentum_buffer": "velocity", "exp_avg": "m", "exp_avg_sq": "v"}
    final = {new: state[old].numpy() for old, new in slots.items() if state.get(old) is not None}
    attributes = {"optimizer": kind, "learningRate": rate, **settings}
    name = f"{kind} {rate} {' '.join(f'{k} {v}' for k, v in changed.items())}".strip()
    outputs = {"trajectory": np.array(trajectory), **final}
    return case(name, attributes, {"parameter": start, "gradients": gradients}, outputs)


if __name__ == "__main__":
    torch.set_num_threads(1)
    made_by = f"make_optimizers.py, PyTorch {torch.__version__}"
    write("optimizers", made_by, [make(i, *entry) for i, entry in enumerate(CASES)])
