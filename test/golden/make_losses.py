"""Losses with their gradients, by PyTorch in float64."""

import numpy as np
import torch
import torch.nn.functional as F

from calls import Calls

calls = Calls(40_000)
REDUCTIONS = ("mean", "sum", "none")


def softmax_cross_entropy():
    for target in ("labels", "one-hot", "probabilities"):
        for reduction in REDUCTIONS:
            for smoothing, weights in ((0, None), (0.125, None), (0, "some"), (0.25, "some")):
                cross_entropy((4, 5), 4, target, reduction, smoothing, weights)
        cross_entropy((3, 4), 512, target, "mean", 0, None)
    cross_entropy((3, 4), 4, "labels", "mean", 0, "operand")
    cross_entropy((3, 1), 4, "labels", "mean", 0, None)


def cross_entropy(shape, high, target, reduction, smoothing, weights):
    rows, classes = shape
    labels = calls.integers((rows,), classes)
    if target == "one-hot":
        labels = np.eye(classes)[labels]
    elif target == "probabilities":
        parts = calls.integers(shape, 7) + 1.0
        # Sixteenths that add to 1: exact in float32.
        parts = np.round(16 * parts / parts.sum(1, keepdims=True))
        parts[:, 0] += 16 - parts.sum(1)
        labels = parts / 16
    options = {"reduction": reduction}
    inputs = {"logits": calls.span(shape, -high, high), "labels": labels}
    chosen = 0.5 + np.arange(classes) / 4
    if smoothing:
        options["labelSmoothing"] = smoothing
    if weights == "some":
        options["classWeights"] = chosen.tolist()
    elif weights == "operand":
        options["classWeights"], inputs["classWeights"] = "$classWeights", chosen

    def forward(logits, labels, classWeights=None):
        labels = labels if labels.is_floating_point() else labels.long()
        weight = torch.tensor(chosen) if weights else None
        return F.cross_entropy(
            logits, labels, weight, reduction=reduction, label_smoothing=smoothing
        )

    calls.add(
        "softmaxCrossEntropy",
        ["$logits", "$labels", options],
        inputs,
        forward,
        fixed=("labels", "classWeights"),
        title=f"{target} up to {high}",
    )


def regression():
    forwards = {
        "squaredError": lambda p, t, r: F.mse_loss(p, t, reduction=r),
        "absoluteError": lambda p, t, r: F.l1_loss(p, t, reduction=r),
        "huber": lambda p, t, r: F.huber_loss(p, t, reduction=r),
    }
    for name, forward in forwards.items():
        for reduction in REDUCTIONS:
            for shape in ((3, 4), (2, 2, 3, 2)):
                inputs = {"p": calls.span(shape, -2, 2), "t": calls.span(shape, -2, 2)}
                run = lambda p, t: forward(p, t, reduction)
                calls.add(name, ["$p", "$t", {"reduction": reduction}], inputs, run)
            inputs = {"p": calls.levels((3, 5), 5), "t": calls.levels((3, 5), 5)}
            arguments = ["$p", "$t", {"reduction": reduction}]
            run = lambda p, t: forward(p, t, reduction)
            calls.add(name, arguments, inputs, run, title="with zeros")
        inputs = {"p": calls.span((7,)), "t": calls.span((7,))}
        calls.add(name, ["$p", "$t"], inputs, lambda p, t: forward(p, t, "mean"))
    for delta in (0.25, 1, 2.5):
        inputs = {"p": calls.span((4, 5), -2, 2), "t": calls.span((4, 5), -2, 2)}
        run = lambda p, t: F.huber_loss(p, t, delta=delta)
        calls.add("huber", ["$p", "$t", {"delta": delta}], inputs, run)


def binary_cross_entropy():
    run = F.binary_cross_entropy_with_logits
    for reduction in REDUCTIONS:
        for shape, high in (((5,), 2), ((4, 3), 8), ((2, 9), 256)):
            targets = calls.integers(shape, 2).astype(np.float64)
            inputs = {"logits": calls.span(shape, -high, high), "targets": targets}
            calls.add(
                "binaryCrossEntropy",
                ["$logits", "$targets", {"reduction": reduction}],
                inputs,
                lambda logits, targets: run(logits, targets, reduction=reduction),
                title=f"up to {high}",
                fixed=("targets",),
            )
    inputs = {"logits": calls.span((3, 4), -2, 2), "targets": calls.span((3, 4), 0, 1)}
    title = {"title": "probabilities", "fixed": ("targets",)}
    calls.add("binaryCrossEntropy", ["$logits", "$targets"], inputs, run, **title)


if __name__ == "__main__":
    torch.set_num_threads(1)
    softmax_cross_entropy()
    regression()
    binary_cross_entropy()
    calls.write("losses")
