"""Linear layers, softmax and losses with their gradients, by PyTorch in float64.

`attributes.operator` names the operator of a case. Labels are int32; targets of `one-hot` and
`probabilities` are float64 of the logits' shape.
"""

import numpy as np
import torch
import torch.nn.functional as F

from golden import Generated, case, write

REDUCTIONS = ["mean", "sum", "none"]


def leaf(generated):
    return torch.tensor(generated.values, requires_grad=True)


def make_linear(seed, batch, inputs, outputs, with_bias):
    x = Generated(seed, (batch, inputs))
    weight = Generated(seed + 1, (outputs, inputs))
    bias = Generated(seed + 2, (outputs,)) if with_bias else None
    dy = Generated(seed + 3, (batch, outputs))
    leaves = {"x": leaf(x), "weight": leaf(weight)}
    if with_bias:
        leaves["bias"] = leaf(bias)
    y = F.linear(leaves["x"], leaves["weight"], leaves.get("bias"))
    y.backward(torch.tensor(dy.values))
    given = {"x": x, "weight": weight, "dy": dy, **({"bias": bias} if with_bias else {})}
    made = {"y": y.detach(), **{f"d{name}": t.grad for name, t in leaves.items()}}
    name = f"linear {batch}x{inputs} to {outputs}{'' if with_bias else ' without bias'}"
    return case(name, {"operator": "linear"}, given, made)


def make_softmax(seed, rows, columns, scale):
    base = Generated(seed, (rows, columns))
    x = torch.tensor(base.values * scale, requires_grad=True)
    dy = Generated(seed + 1, (rows, columns))
    y = F.softmax(x, dim=1)
    y.backward(torch.tensor(dy.values))
    attributes = {"operator": "softmax"}
    name = f"softmax {rows}x{columns}, logits up to {scale}"
    return case(name, attributes, {"x": x.detach(), "dy": dy}, {"y": y.detach(), "dx": x.grad})


def make_cross_entropy(seed, rows, columns, scale, target, reduction):
    logits = torch.tensor(Generated(seed, (rows, columns)).values * scale, requires_grad=True)
    classes = np.abs(Generated(seed + 1, (rows,), 2 * columns).values).astype(np.int32) % columns
    if target == "labels":
        labels, wanted = classes, torch.tensor(classes.astype(np.int64))
    else:
        if target == "one-hot":
            labels = np.eye(columns)[classes]
        else:
            positive = (Generated(seed + 2, (rows, columns)).values + 1) / 2
            labels = positive / positive.sum(axis=1, keepdims=True)
        wanted = torch.tensor(labels)
    loss = F.cross_entropy(logits, wanted, reduction=reduction)
    dloss = Generated(seed + 3, tuple(loss.shape))
    loss.backward(torch.tensor(dloss.values))
    attributes = {"operator": "softmaxCrossEntropy", "reduction": reduction, "target": target}
    name = f"cross-entropy {rows}x{columns}, {target}, {reduction}, logits up to {scale}"
    given = {"logits": logits.detach(), "labels": labels, "dloss": dloss}
    return case(name, attributes, given, {"loss": loss.detach(), "dlogits": logits.grad})


def make_squared_error(seed, shape, reduction):
    prediction, target = Generated(seed, shape), Generated(seed + 1, shape)
    tensor = leaf(prediction)
    loss = F.mse_loss(tensor, torch.tensor(target.values), reduction=reduction)
    dloss = Generated(seed + 2, tuple(loss.shape))
    loss.backward(torch.tensor(dloss.values))
    given = {"prediction": prediction, "target": target, "dloss": dloss}
    attributes = {"operator": "squaredError", "reduction": reduction}
    name = f"squared error {shape}, {reduction}"
    return case(name, attributes, given, {"loss": loss.detach(), "dprediction": tensor.grad})


def make_all():
    cases = [
        make_linear(4000, 1, 1, 1, True),
        make_linear(4010, 3, 7, 5, True),
        make_linear(4020, 4, 5, 3, False),
        make_linear(4030, 2, 33, 10, True),
        make_softmax(4100, 3, 10, 1),
        make_softmax(4110, 1, 1, 1),
        make_softmax(4120, 4, 7, 1000),
    ]
    seed = 4200
    for target in ("labels", "one-hot", "probabilities"):
        for reduction in REDUCTIONS:
            cases.append(make_cross_entropy(seed, 5, 10, 3, target, reduction))
            seed += 10
    cases.append(make_cross_entropy(4400, 4, 3, 1000, "labels", "mean"))
    for i, reduction in enumerate(REDUCTIONS):
        cases.append(make_squared_error(4500 + 10 * i, (4, 3), reduction))
    return cases


if __name__ == "__main__":
    torch.set_num_threads(1)
    write("dense", f"make_dense.py, PyTorch {torch.__version__}", make_all())
