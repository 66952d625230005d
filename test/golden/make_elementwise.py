"""Elementwise operators with NumPy's broadcasting, by PyTorch in float64."""

import numpy as np
import torch

from calls import Calls

calls = Calls(10_000)
nan, inf = np.nan, np.inf

BINARY = {
    "add": torch.add,
    "sub": torch.sub,
    "mul": torch.mul,
    "div": torch.div,
    "pow": torch.pow,
    "maximum": torch.maximum,
    "minimum": torch.minimum,
}
SHAPES = [((2, 3, 5), (2, 3, 5)), ((2, 3, 5), (5,)), ((2, 1, 5), (3, 1)), ((), (2, 3)), ((4, 1), (1, 3))]
COMPARISONS = {
    "equal": torch.eq,
    "notEqual": torch.ne,
    "less": torch.lt,
    "lessEqual": torch.le,
    "greater": torch.gt,
    "greaterEqual": torch.ge,
}


def binary():
    for name, forward in BINARY.items():
        first = (0.25, 3.25) if name == "pow" else (-2, 2)
        second = (0.5, 2.5) if name == "div" else (-2, 2)
        claims = {"relative": ["y"]} if name == "pow" else {"exact": ["y"]}
        for a, b in SHAPES:
            inputs = {"a": calls.span(a, *first), "b": calls.span(b, *second)}
            calls.add(name, ["$a", "$b"], inputs, forward, **claims)
        x = {"x": calls.span((3, 7), *first)}
        calls.add(name, ["$x", 1.5], x, lambda x: forward(x, torch.tensor(1.5).double()), **claims)
        x = {"x": calls.span((3, 7), *second)}
        calls.add(name, [0.75, "$x"], x, lambda x: forward(torch.tensor(0.75).double(), x), **claims)
    for name in ("maximum", "minimum"):
        a, b = calls.levels((4, 9), 3), calls.levels((9,), 3)
        calls.add(name, ["$a", "$b"], {"a": a, "b": b}, BINARY[name], title="with ties", exact=["y"])
        special = {"a": [nan, 1, inf, -inf, 2, nan], "b": [1, nan, 2, 2, -inf, nan]}
        fixed = {"fixed": ("a", "b"), "title": "NaN and infinities", "exact": ["y"]}
        calls.add(name, ["$a", "$b"], floats(special), BINARY[name], **fixed)
    signed = {"a": [-2, -1.5, -0.5, 3, 0.0, 0.0, 1, -3], "b": [2, 3, -1, 0, 2, 1, 0.5, 0]}
    title = {"title": "of negative numbers and 0", "relative": ["y"], "fixed": ("b",)}
    calls.add("pow", ["$a", "$b"], floats(signed), torch.pow, **title)
    for exponent in (2, 3, -1, 0.5, 0):
        x = calls.span((11,), 0.25, 2.25)
        calls.add("pow", ["$x", exponent], {"x": x}, lambda x: x**exponent, relative=["y"])


def floats(values):
    return {key: np.array(value, dtype=np.float64) for key, value in values.items()}


def comparisons():
    for name, forward in COMPARISONS.items():
        for a, b in (((4, 5), (4, 5)), ((2, 1, 3), (4, 1))):
            inputs = {"a": calls.levels(a, 3), "b": calls.levels(b, 3)}
            calls.add(name, ["$a", "$b"], inputs, lambda a, b: forward(a, b).to(torch.uint8))
        x = {"x": calls.levels((9,), 5)}
        calls.add(name, ["$x", 1], x, lambda x: forward(x, 1).to(torch.uint8))
        special = floats({"a": [nan, nan, inf, -inf, 0.0], "b": [nan, 1, inf, inf, -0.0]})
        title = "NaN, infinities, -0"
        calls.add(
            name, ["$a", "$b"], special, lambda a, b: forward(a, b).to(torch.uint8), title=title
        )


def where():
    def forward(condition, a, b):
        return torch.where(condition != 0, a, b)

    for condition, a, b in (((3, 5), (3, 5), (3, 5)), ((3, 1), (5,), (2, 1, 5)), ((2, 4), (), (4,))):
        chosen = calls.integers(condition, 2, np.uint8)
        inputs = {"condition": chosen, "a": calls.span(a), "b": calls.span(b)}
        calls.add("where", ["$condition", "$a", "$b"], inputs, forward, exact=["y"])
    chosen = calls.integers((7,), 2, np.uint8)
    inputs = {"condition": chosen, "a": calls.span((7,))}
    calls.add(
        "where",
        ["$condition", "$a", 0.5],
        inputs,
        lambda condition, a: forward(condition, a, torch.tensor(0.5).double()),
        exact=["y", "da"],
    )


def unary():
    functions = {
        "neg": (torch.neg, [(-2, 2)], ["y", "dx"]),
        "abs": (torch.abs, [(-2, 2)], ["y", "dx"]),
        "square": (torch.square, [(-2, 2)], ["y"]),
        "sqrt": (torch.sqrt, [(0, 1), (0, 1024)], ["y"]),
        "exp": (torch.exp, [(-1, 1), (-64, 64)], []),
        "log": (torch.log, [(0, 1), (0.5, 1.5), (0, 4096)], []),
        "sin": (torch.sin, [(-4, 4), (-128, 128)], []),
        "cos": (torch.cos, [(-4, 4), (-128, 128)], []),
        "tanh": (torch.tanh, [(-0.25, 0.25), (-4, 4), (-32, 32)], []),
        "erf": (torch.erf, [(-0.25, 0.25), (-4, 4)], []),
        "sigmoid": (torch.sigmoid, [(-4, 4), (-64, 64)], []),
    }
    for name, (forward, spans, exact) in functions.items():
        for span in spans:
            claims = {"exact": exact} if exact else {"relative": ["y"]}
            x = {"x": calls.span((3, 13), *span)}
            calls.add(name, ["$x"], x, forward, title=f"in {span}", **claims)
    zero = floats({"x": [0.0, -1.0, 1.0]})
    calls.add("abs", ["$x"], zero, torch.abs, title="at 0", exact=["y", "dx"])
    for options in ({"min": -0.5}, {"max": 0.25}, {"min": -1, "max": 1}):
        x = {"x": calls.levels((5, 5), 7)}
        forward = lambda x: torch.clamp(x, **options)
        calls.add("clip", ["$x", options], x, forward, exact=["y", "dx"])
        x = {"x": calls.span((21,), -2, 2)}
        calls.add("clip", ["$x", options], x, forward, exact=["y", "dx"])


if __name__ == "__main__":
    torch.set_num_threads(1)
    binary()
    comparisons()
    where()
    unary()
    calls.write("elementwise")
