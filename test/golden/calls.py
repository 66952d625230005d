"""Calls of the public operators with what PyTorch makes of them, forward and backward (README.md)."""

import numpy as np
import torch

from golden import Generated, case, write


class Calls:
    """Collects the cases of one file. Seeds count up from `seed`, one an input."""

    def __init__(self, seed):
        self.cases, self.seed = [], seed

    def next_seed(self):
        self.seed += 1
        return self.seed

    def span(self, shape, low=-1.0, high=1.0):
        """Multiples of (high - low) / 2^17 between low and high: exact in float32, none is 0."""
        return Generated(self.next_seed(), shape, span=(low, high))

    def levels(self, shape, levels):
        """Integers around 0, many of them equal."""
        return Generated(self.next_seed(), shape, levels=levels)

    def integers(self, shape, high, dtype=np.int32):
        """Integers from 0 and below high."""
        values = Generated(self.next_seed(), shape, levels=2 * high).values
        return (np.abs(values).astype(np.int64) % high).astype(dtype)

    def add(self, operator, arguments, inputs, forward, fixed=(), title="", output="y", **claims):
        """
        One call. `arguments` are the operator's; '$x' stands for input x. `forward` takes the
        inputs as tensors, in their order, and returns the `output`, or several values by name. Gradients are taken to
        all floating inputs but the `fixed` ones, from a seeded dy for each floating output.
        `claims`: `exact` and `relative`, the values that are held to their bits, or each to its own
        size.
        """
        values = {k: v.values if isinstance(v, Generated) else np.asarray(v) for k, v in inputs.items()}
        tensors = {k: torch.tensor(v) for k, v in values.items()}
        leaves = [k for k, v in tensors.items() if v.is_floating_point() and k not in fixed]
        for key in leaves:
            tensors[key].requires_grad_()
        made = forward(*tensors.values())
        outputs = made if isinstance(made, dict) else {output: made}
        given, results = dict(inputs), {}
        for key, value in outputs.items():
            results[key] = value.detach().numpy()
            if value.requires_grad:
                dy = self.span(tuple(value.shape))
                given[f"d{key}"] = dy
                value.backward(torch.tensor(dy.values), retain_graph=True)
        for key in leaves:
            if tensors[key].grad is not None:
                results[f"d{key}"] = tensors[key].grad.numpy()
        shapes = " ".join(str(tuple(v.shape)).replace(" ", "") for v in values.values())
        settings = "".join(f" {setting(a)}" for a in arguments if not is_operand(a))
        name = f"{operator} {shapes}{settings}{' ' if title else ''}{title}"
        attributes = {"operator": operator, "arguments": arguments, **claims}
        self.cases.append(case(name, attributes, given, results))

    def write(self, name, *others):
        """`others`: what else made the values."""
        names = [entry["name"] for entry in self.cases]
        for twice in {n for n in names if names.count(n) > 1}:
            raise ValueError(f"two cases are called {twice}")
        made_by = [f"make_{name.replace('-', '_')}.py", f"PyTorch {torch.__version__}", *others]
        write(name, ", ".join(made_by), self.cases)


def is_operand(argument):
    if isinstance(argument, list) and argument:
        return all(is_operand(entry) for entry in argument)
    return argument is None or (isinstance(argument, str) and argument.startswith("$"))


def setting(argument):
    if isinstance(argument, dict):
        return " ".join(f"{k} {setting(v)}" for k, v in argument.items())
    return str(argument).replace(" ", "")
