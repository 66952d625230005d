"""Batch, layer and group normalization with their gradients, by PyTorch in float64."""

import torch
import torch.nn.functional as F

from calls import Calls

calls = Calls(50_000)


def affine(size, which):
    made = {"weight": calls.span(size, 0.5, 1.5), "bias": calls.span(size)}
    return {key: made[key] for key in which}


def operands(names, given):
    return [f"${name}" if name in given else None for name in names]


def trimmed(arguments, options):
    """Without the absent operands at the end, unless options follow."""
    if options:
        return [*arguments, options]
    while arguments[-1] is None:
        arguments.pop()
    return arguments


SHAPES = ((6, 3), (4, 3, 5), (3, 2, 3, 4))


def inference():
    for shape in SHAPES:
        channels = shape[1]
        for which, options in (
            (("weight", "bias"), {}),
            (("weight",), {}),
            (("bias",), {"epsilon": 0.125}),
            ((), {}),
        ):
            inputs = {
                "x": calls.span(shape, -2, 2),
                "mean": calls.span((channels,)),
                "variance": calls.span((channels,), 0.5, 2.5),
                **affine((channels,), which),
            }
            names = [*inputs]

            def forward(*values):
                given = dict(zip(names, values))
                return F.batch_norm(
                    given["x"],
                    given["mean"].detach(),
                    given["variance"].detach(),
                    given.get("weight"),
                    given.get("bias"),
                    eps=options.get("epsilon", 1e-5),
                )

            arguments = operands(("x", "mean", "variance", "weight", "bias"), inputs)
            fixed = ("mean", "variance")
            calls.add("batchNorm", trimmed(arguments, options), inputs, forward, fixed=fixed)


def statistics():
    """Gradients to the statistics too, which PyTorch has by the formula alone."""
    for shape in SHAPES:
        wide = (1, shape[1], *(1 for _ in shape[2:]))
        channels = (shape[1],)
        inputs = {
            "x": calls.span(shape, -2, 2),
            "mean": calls.span(channels),
            "variance": calls.span(channels, 0.5, 2.5),
            **affine(channels, ("weight", "bias")),
        }

        def forward(x, mean, variance, weight, bias):
            mean, variance, weight, bias = (v.reshape(wide) for v in (mean, variance, weight, bias))
            return (x - mean) / torch.sqrt(variance + 1e-5) * weight + bias

        arguments = operands(tuple(inputs), inputs)
        calls.add("batchNorm", arguments, inputs, forward, title="as a formula")


def training():
    for shape in (*SHAPES, (3, 5)):
        channels = shape[1]
        for running in (True, False):
            for which, options in (
                (("weight", "bias"), {}),
                ((), {"momentum": 0.25}),
                (("weight",), {"epsilon": 0.125}),
            ):
                inputs = {"x": calls.span(shape, -2, 2)}
                if running:
                    inputs["mean"] = calls.span((channels,))
                    inputs["variance"] = calls.span((channels,), 0.5, 2.5)
                inputs.update(affine((channels,), which))
                names = [*inputs]

                def forward(*values):
                    given = dict(zip(names, values))
                    kept = [given[k].detach().clone() for k in ("mean", "variance") if k in given]
                    y = F.batch_norm(
                        given["x"],
                        *(kept or (None, None)),
                        given.get("weight"),
                        given.get("bias"),
                        True,
                        options.get("momentum", 0.1),
                        options.get("epsilon", 1e-5),
                    )
                    names_of = ("runningMean", "runningVariance")
                    return {"y": y, **dict(zip(names_of, kept))}

                arguments = operands(("x", "mean", "variance", "weight", "bias"), inputs)
                calls.add(
                    "batchNormTraining",
                    trimmed(arguments, options),
                    inputs,
                    forward,
                    fixed=("mean", "variance"),
                )


def layer():
    for shape, normalized in (
        ((4, 7), (7,)),
        ((2, 3, 5), (5,)),
        ((2, 3, 5), (3, 5)),
        ((2, 2, 3, 4), (2, 3, 4)),
        ((3, 17), (17,)),
    ):
        for which, options in (
            (("weight", "bias"), {}),
            ((), {}),
            (("weight",), {"epsilon": 0.125}),
        ):
            inputs = {"x": calls.span(shape, -2, 2), **affine(normalized, which)}
            names = [*inputs]

            def forward(*values):
                given = dict(zip(names, values))
                epsilon = options.get("epsilon", 1e-5)
                return F.layer_norm(
                    given["x"], normalized, given.get("weight"), given.get("bias"), epsilon
                )

            arguments = operands(("weight", "bias"), inputs)
            arguments = ["$x", list(normalized), *arguments]
            calls.add("layerNorm", trimmed(arguments, options), inputs, forward)


def group():
    for shape, groups in (
        ((3, 8), 2),
        ((2, 4, 5), 1),
        ((2, 4, 5), 4),
        ((2, 6, 2, 3), 3),
        ((1, 4, 3, 3), 2),
    ):
        channels = shape[1]
        for which, options in (
            (("weight", "bias"), {}),
            ((), {}),
            (("weight",), {"epsilon": 0.125}),
        ):
            inputs = {"x": calls.span(shape, -2, 2), **affine((channels,), which)}
            names = [*inputs]

            def forward(*values):
                given = dict(zip(names, values))
                epsilon = options.get("epsilon", 1e-5)
                return F.group_norm(
                    given["x"], groups, given.get("weight"), given.get("bias"), epsilon
                )

            arguments = ["$x", groups, *operands(("weight", "bias"), inputs)]
            calls.add("groupNorm", trimmed(arguments, options), inputs, forward)


def local_response():
    for shape in ((3, 7), (2, 1, 4), (2, 6, 3), (2, 8, 2, 3), (1, 5, 2, 1, 2)):
        for options in (
            {"size": 5},
            {"size": 4, "alpha": 2.0, "beta": 0.5, "k": 2.0},
            {"size": 20, "alpha": 1.5, "beta": -0.25},
        ):
            settings = {**options}
            run = lambda x: F.local_response_norm(x, **settings) if x.dim() > 2 else (
                F.local_response_norm(x.unsqueeze(2), **settings).squeeze(2)
            )
            inputs = {"x": calls.span(shape, -2, 2)}
            calls.add("localResponseNorm", ["$x", options], inputs, run)


if __name__ == "__main__":
    torch.set_num_threads(1)
    inference()
    training()
    layer()
    group()
    statistics()
    local_response()
    calls.write("normalization")
