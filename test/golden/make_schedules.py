"""What the learning-rate schedulers of PyTorch multiply a rate by, step after step.

`attributes` are the schedule as the library makes it, how many steps an epoch has and how many
epochs there are; `factors[i]` is the factor after i calls of the scheduler's step, one a step, or,
where the schedule counts in epochs, one an epoch. Plateaus have the numbers that they watch as
input `values`: factors[i] is that after i of them.
"""

import warnings

import numpy as np
import torch
from torch.optim import lr_scheduler as torch_schedules

from golden import Generated, case, write

warnings.filterwarnings("ignore")
RATE = 0.5


def make_optimizer(rate=RATE):
    return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1, dtype=torch.float64))], lr=rate)


def factors_of(make, count):
    optimizer = make_optimizer()
    scheduler = make(optimizer)
    factors = [optimizer.param_groups[0]["lr"] / RATE]
    for _ in range(count - 1):
        optimizer.step()
        scheduler.step()
        factors.append(optimizer.param_groups[0]["lr"] / RATE)
    return factors


def sequence(first, second, milestone):
    def make(optimizer):
        parts = [first(optimizer), second(optimizer)]
        return torch_schedules.SequentialLR(optimizer, parts, milestones=[milestone])

    return make


def linear(start, count):
    return lambda o: torch_schedules.LinearLR(o, start_factor=start, total_iters=count)


def one_cycle(total, **settings):
    return lambda o: torch_schedules.OneCycleLR(
        o, max_lr=RATE, total_steps=total, cycle_momentum=False, **settings
    )


# kind, options, the PyTorch schedule, steps an epoch, epochs, what PyTorch counts
CASES = [
    ("constant", {"factor": 0.25}, lambda o: torch_schedules.LambdaLR(o, lambda t: 0.25), 4, 3, "steps"),
    ("step", {"epochs": 3}, lambda o: torch_schedules.StepLR(o, 3), 4, 11, "epochs"),
    ("step", {"steps": 7, "factor": 0.5}, lambda o: torch_schedules.StepLR(o, 7, 0.5), 4, 11, "steps"),
    ("multiStep", {"epochs": [2, 5, 6]}, lambda o: torch_schedules.MultiStepLR(o, [2, 5, 6]), 3, 9, "epochs"),
    ("multiStep", {"steps": [0, 4, 9], "factor": 0.3}, lambda o: torch_schedules.MultiStepLR(o, [0, 4, 9], 0.3), 3, 5, "steps"),
    ("exponential", {"factor": 0.9}, lambda o: torch_schedules.ExponentialLR(o, 0.9), 5, 12, "epochs"),
    ("exponential", {"factor": 0.97, "steps": 1}, lambda o: torch_schedules.ExponentialLR(o, 0.97), 5, 12, "steps"),
    ("polynomial", {}, lambda o: torch_schedules.PolynomialLR(o, 24, 1.0), 6, 4, "steps"),
    ("polynomial", {"power": 2.5, "epochs": 6}, lambda o: torch_schedules.PolynomialLR(o, 6, 2.5), 4, 9, "epochs"),
    ("cosine", {}, lambda o: torch_schedules.CosineAnnealingLR(o, 28), 7, 4, "steps"),
    ("cosine", {"minimum": 0.1, "epochs": 8}, lambda o: torch_schedules.CosineAnnealingLR(o, 8, eta_min=0.1 * RATE), 3, 8, "epochs"),
    ("warmUp", {"steps": 6}, linear(1 / 3, 6), 5, 4, "steps"),
    ("warmUp", {"epochs": 3, "from": 0.01, "next": ["cosine", {}]},
     sequence(linear(0.01, 12), lambda o: torch_schedules.CosineAnnealingLR(o, 28), 12), 4, 10, "steps"),
    ("warmUp", {"steps": 5, "from": 0.2, "next": ["step", {"epochs": 2, "factor": 0.5}]},
     sequence(linear(0.2, 5), lambda o: torch_schedules.StepLR(o, 6, 0.5), 5), 3, 9, "steps"),
    ("warmUp", {"epochs": 2, "from": 0.5, "next": ["multiStep", {"epochs": [1, 4]}]},
     sequence(linear(0.5, 2), lambda o: torch_schedules.MultiStepLR(o, [1, 4]), 2), 3, 9, "epochs"),
    ("oneCycle", {}, one_cycle(40), 10, 4, "steps"),
    ("oneCycle", {"shape": "linear", "rise": 0.4, "from": 0.1, "to": 1e-3}, one_cycle(
        33, anneal_strategy="linear", pct_start=0.4, div_factor=10, final_div_factor=100), 11, 3, "steps"),
    ("oneCycle", {"threePhases": True, "steps": 37, "rise": 0.35}, one_cycle(37, three_phase=True, pct_start=0.35), 37, 1, "steps"),
    ("oneCycle", {"epochs": 4}, one_cycle(20), 5, 4, "steps"),
    ("piecewise", {"steps": [0, 5, 12], "factors": [1, 0.4, 0.05]}, lambda o: torch_schedules.LambdaLR(
        o, lambda t: 1 if t < 5 else 0.4 if t < 12 else 0.05), 5, 4, "steps"),
    ("piecewise", {"epochs": [0, 2, 5], "factors": [0.2, 1, 0], "interpolation": "linear"}, lambda o:
     torch_schedules.LambdaLR(o, lambda t: float(np.interp(t / 4, [0, 2, 5], [0.2, 1, 0]))), 4, 6, "steps"),
]

PLATEAUS = [
    ({"patience": 2}, {}),
    ({"patience": 0, "factor": 0.5, "minDelta": 0.05}, {}),
    ({"patience": 1, "factor": 0.5, "cooldown": 2, "minimum": 0.1}, {}),
    ({"patience": 3, "factor": 0.2, "minDelta": 0.1, "relative": True}, {}),
    ({"patience": 2, "monitor": "validation.accuracy"}, {"mode": "max"}),
    ({"patience": 1, "minDelta": 0.02, "relative": True, "mode": "max", "monitor": "own"}, {"mode": "max"}),
]


def make(kind, options, make_schedule, per_epoch, epochs, unit):
    count = per_epoch * epochs if unit == "steps" else epochs
    length = f"{per_epoch}x{epochs}"
    attributes = {"schedule": kind, "options": options, "unit": unit}
    attributes.update({"stepsPerEpoch": per_epoch, "epochs": epochs})
    settings = " ".join(f"{k} {v}" for k, v in options.items())
    factors = factors_of(make_schedule, count)
    return case(f"{kind} {settings} {length}", attributes, {}, {"factors": np.array(factors)})


def make_plateau(index, options, settings):
    values = Generated(97_000 + index, (60,), span=(0.25, 1.0))
    optimizer = make_optimizer()
    names = {"cooldown": "cooldown", "patience": "patience", "factor": "factor"}
    given = {names[k]: v for k, v in options.items() if k in names}
    scheduler = torch_schedules.ReduceLROnPlateau(
        optimizer,
        threshold=options.get("minDelta", 1e-4),
        threshold_mode="rel" if options.get("relative") else "abs",
        min_lr=options.get("minimum", 0) * RATE,
        eps=0,
        **given,
        **settings,
    )
    factors = []
    for value in values.values:
        factors.append(optimizer.param_groups[0]["lr"] / RATE)
        scheduler.step(value)
    attributes = {"schedule": "plateau", "options": options, "unit": "epochs"}
    attributes.update({"stepsPerEpoch": 1, "epochs": len(factors)})
    name = f"plateau {' '.join(f'{k} {v}' for k, v in options.items())}"
    return case(name, attributes, {"values": values}, {"factors": np.array(factors)})


if __name__ == "__main__":
    made_by = f"make_schedules.py, PyTorch {torch.__version__}"
    plateaus = [make_plateau(i, *entry) for i, entry in enumerate(PLATEAUS)]
    write("schedules", made_by, [make(*entry) for entry in CASES] + plateaus)
