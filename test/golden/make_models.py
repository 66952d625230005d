"""ResNet-18 and others in PyTorch: inference, one training step and all its gradients in float64.

The networks are written here and in plain_models.py with torchvision's names of modules. Parameters, states, images and
class numbers come from Philox (philox.py), rounded to float32, so none is stored; README.md tells
how. Of every tensor the file has a few numbers; "float32" is how far PyTorch's own float32 is from
its float64, with seeds for which no ReLU that matters falls to the other side of 0.
"""

import json
import math
import pathlib

import numpy as np
import torch
from torch import nn

from philox import normals, uniforms, words
from plain_models import plain_models

SAMPLES, FLOOR = 2, 1e-4


def convolution(channels, filters, size, stride=1, groups=1):
    padding = (size - 1) // 2
    return nn.Conv2d(channels, filters, size, stride, padding, groups=groups, bias=False)


class Block(nn.Module):
    """Two 3x3 convolutions, or with a bottleneck 1x1, 3x3 with the stride, 1x1."""

    def __init__(self, channels, width, stride, bottleneck):
        super().__init__()
        outputs = 4 * width if bottleneck else width
        sizes = [(channels, width, 1, 1), (width, width, 3, stride), (width, outputs, 1, 1)]
        self.convolutions = 3 if bottleneck else 2
        if not bottleneck:
            sizes = [(channels, width, 3, stride), (width, width, 3, 1)]
        for number, size in enumerate(sizes, 1):
            self.add_module(f"conv{number}", convolution(*size))
            self.add_module(f"bn{number}", nn.BatchNorm2d(size[1]))
        self.downsample = None
        if stride != 1 or channels != outputs:
            self.downsample = nn.Sequential(
                convolution(channels, outputs, 1, stride), nn.BatchNorm2d(outputs)
            )

    def forward(self, x):
        y = x
        for number in range(1, self.convolutions + 1):
            y = getattr(self, f"bn{number}")(getattr(self, f"conv{number}")(y))
            if number < self.convolutions:
                y = torch.relu(y)
        return torch.relu(y + (x if self.downsample is None else self.downsample(x)))


class ResNet(nn.Module):
    def __init__(self, blocks, bottleneck=False, classes=1000, width=64, stem="large"):
        super().__init__()
        self.stem = stem
        large = stem == "large"
        self.conv1 = convolution(3, width, 7 if large else 3, 2 if large else 1)
        self.bn1 = nn.BatchNorm2d(width)
        channels = width
        for stage, count in enumerate(blocks):
            own, layers = width * 2**stage, []
            for i in range(count):
                stride = 2 if stage > 0 and i == 0 else 1
                layers.append(Block(channels, own, stride, bottleneck))
                channels = 4 * own if bottleneck else own
            self.add_module(f"layer{stage + 1}", nn.Sequential(*layers))
        self.fc = nn.Linear(channels, classes)

    def forward(self, x):
        x = torch.relu(self.bn1(self.conv1(x)))
        if self.stem == "large":
            x = nn.functional.max_pool2d(x, 3, 2, 1)
        for stage in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = stage(x)
        return self.fc(x.mean((2, 3)))


def normalized(channels, filters, size, stride=1, groups=1):
    layers = [convolution(channels, filters, size, stride, groups), nn.BatchNorm2d(filters)]
    return nn.Sequential(*layers, nn.ReLU6())


class InvertedResidual(nn.Module):
    def __init__(self, channels, outputs, expansion, stride):
        super().__init__()
        inside = channels * expansion
        self.adds = stride == 1 and channels == outputs
        self.conv = nn.Sequential(
            *([] if expansion == 1 else [normalized(channels, inside, 1)]),
            normalized(inside, inside, 3, stride, inside),
            convolution(inside, outputs, 1),
            nn.BatchNorm2d(outputs),
        )

    def forward(self, x):
        return x + self.conv(x) if self.adds else self.conv(x)


class MobileNetV2(nn.Module):
    STAGES = (
        (1, 16, 1, 1),
        (6, 24, 2, 2),
        (6, 32, 3, 2),
        (6, 64, 4, 2),
        (6, 96, 3, 1),
        (6, 160, 3, 2),
        (6, 320, 1, 1),
    )

    def __init__(self, classes=1000, dropout=0.2):
        super().__init__()
        features, channels = [normalized(3, 32, 3, 2)], 32
        for expansion, outputs, count, stride in self.STAGES:
            for i in range(count):
                own = stride if i == 0 else 1
                features.append(InvertedResidual(channels, outputs, expansion, own))
                channels = outputs
        self.features = nn.Sequential(*features, normalized(channels, 1280, 1))
        self.classifier = nn.Sequential(nn.Dropout(dropout), nn.Linear(1280, classes))

    def forward(self, x):
        return self.classifier(self.features(x).mean((2, 3)))


def value(seed, key, shape):
    """A parameter or state: a normal weight of He's deviation, or uniform around what it is fresh."""
    count, stream = math.prod(shape), f"golden/{key}"
    if len(shape) > 1:
        made = normals(seed, stream, count) * math.sqrt(2 / math.prod(shape[1:]))
    elif key.endswith((".weight", ".running_var")):
        made = 0.5 + uniforms(seed, stream, count)
    else:
        made = 0.4 * uniforms(seed, stream, count) - 0.2
    return torch.tensor(made.astype(np.float32).reshape(shape))


def summary(seed, key, tensor):
    """2-norm; sum with signs by the bits of Philox's words; elements at even distances."""
    flat = tensor.detach().double().numpy().ravel()
    rows = words(seed, f"sign/{key}", -(-flat.size // 32))[:, np.newaxis]
    bits = (rows >> np.arange(32, dtype=np.uint64)) & np.uint64(1)
    signs = 1 - 2 * bits.astype(np.float64).ravel()[: flat.size]
    places = [(2 * i + 1) * flat.size // (2 * SAMPLES) for i in range(SAMPLES)]
    numbers = [math.sqrt(math.fsum(flat * flat)), math.fsum(flat * signs), *flat[places]]
    return [float(f"{number:.13g}") for number in numbers]


def run(make, values, x, labels, dtype):
    """The tensors by name: logits of inference; of a training step all it gives."""
    net = make().to(dtype)
    missing = net.load_state_dict({k: v.to(dtype) for k, v in values.items()}, strict=False)
    assert not missing.unexpected_keys
    assert all(key.endswith("num_batches_tracked") for key in missing.missing_keys)
    image = x.to(dtype).requires_grad_()
    with torch.no_grad():
        made = {"inference": net.eval()(image)}
    logits = net.train()(image)
    loss = nn.functional.cross_entropy(logits, labels)
    loss.backward()
    made |= {"logits": logits, "loss": loss, "gradient of x": image.grad}
    made |= {f"gradient of {key}": p.grad for key, p in net.named_parameters()}
    states = {key: state for key, state in net.named_buffers() if "running" in key}
    made |= {f"state {key}": state for key, state in states.items()}
    return {key: each.detach().double() for key, each in made.items()}


def distance(single, double):
    """The largest ‖single − double‖₂ / ‖double‖₂, gradients of nearly 0 by all gradients' norm."""
    gradients = [key for key in double if key.startswith("gradient")]
    whole = math.hypot(*(float(double[key].norm()) for key in gradients))
    return max(
        float((single[key] - double[key]).norm())
        / max(float(double[key].norm()), FLOOR * whole if key in gradients else 0)
        for key in double
    )


def case(name, model, make, options, batch, seed):
    shapes = {k: list(v.shape) for k, v in make().state_dict().items() if v.dim() > 0}
    values = {key: value(seed, key, shape) for key, shape in shapes.items()}
    shape = (batch, *options["inputShape"])
    x = torch.tensor(normals(seed, "golden/x", math.prod(shape)).astype(np.float32).reshape(shape))
    labels = np.floor(uniforms(seed, "golden/labels", batch) * options["classes"])
    given = (make, values, x, torch.tensor(labels.astype(np.int64)))
    double, single = (run(*given, dtype) for dtype in (torch.float64, torch.float32))
    count = sum(math.prod(s) for key, s in shapes.items() if "running" not in key)
    apart = distance(single, double)
    print(f"{name}: {count} parameters, loss {float(double['loss']):.6f}, float32 {apart:.1e}")
    return {
        "name": name,
        "model": model,
        "options": options,
        "batch": batch,
        "seed": seed,
        "float32": float(f"{apart:.2g}"),
        "values": {key: summary(seed, key, tensor) for key, tensor in double.items()},
    }


def main():
    image, tiny = [3, 64, 64], [3, 32, 32]
    eighteen, fifty = (2, 2, 2, 2), (3, 4, 6, 3)
    large = {"inputShape": image, "classes": 1000}
    small = {"inputShape": tiny, "classes": 10, "stem": "small"}
    narrow = {**small, "width": 8}
    bottleneck = {**large, "classes": 100, "width": 16}
    mobile = {**large, "classes": 100, "dropout": 0}
    own = {"classes": 10, "stem": "small"}
    cases = [
        case("resnet18", "resnet18", lambda: ResNet(eighteen), large, 4, 1),
        case("resnet18, 32x32", "resnet18", lambda: ResNet(eighteen, **own), small, 2, 1),
        case("resnet18, narrow", "resnet18", lambda: ResNet(eighteen, **own, width=8), narrow, 2, 1),
        case(
            "resnet50, narrow",
            "resnet50",
            lambda: ResNet(fifty, True, classes=100, width=16),
            bottleneck,
            4,
            8,
        ),
        case("mobilenetV2", "mobilenetV2", lambda: MobileNetV2(100, 0), mobile, 4, 3),
        *(case(*each) for each in plain_models()),
    ]
    document = {
        "version": 1,
        "madeBy": f"make_models.py, PyTorch {torch.__version__}, NumPy {np.__version__}",
        "cases": cases,
    }
    file = pathlib.Path(__file__).parent / "models.json"
    text = json.dumps(document, separators=(",", ":"))
    file.write_text(text.replace('{"name"', '\n{"name"') + "\n")
    print(f"{file.name}: {file.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
