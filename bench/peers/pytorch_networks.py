"""The networks of bench/networks.ts, layer by layer, for PyTorch."""

import torch
from torch import nn
from torch.nn import functional as F


def normalized(inputs, filters, kernel=3, stride=1, groups=1, act=nn.ReLU):
    """Convolution without bias, batch normalization, activation."""
    conv = nn.Conv2d(inputs, filters, kernel, stride, kernel // 2, groups=groups, bias=False)
    nn.init.kaiming_normal_(conv.weight, mode="fan_out", nonlinearity="relu")
    own = [] if act is None else [act(inplace=True)]
    return [conv, nn.BatchNorm2d(filters), *own]


class Residual(nn.Module):
    """relu(body(x) + x), or with a projection of x."""

    def __init__(self, body, projection=None):
        super().__init__()
        self.body = nn.Sequential(*body)
        self.projection = projection

    def forward(self, x):
        passing = x if self.projection is None else self.projection(x)
        return F.relu(self.body(x) + passing, inplace=True)


class Passing(nn.Module):
    """body(x) + x."""

    def __init__(self, body):
        super().__init__()
        self.body = nn.Sequential(*body)

    def forward(self, x):
        return self.body(x) + x


def basic(inputs, width, stride):
    return [*normalized(inputs, width, 3, stride), *normalized(width, width, act=None)]


def bottleneck(inputs, width, stride):
    return [
        *normalized(inputs, width, 1),
        *normalized(width, width, 3, stride),
        *normalized(width, 4 * width, 1, act=None),
    ]


def resnet(body, blocks, expansion, stem, classes):
    if stem == "large":
        layers = [*normalized(3, 64, 7, 2), nn.MaxPool2d(3, 2, 1)]
    else:
        layers = normalized(3, 64)
    channels = 64
    for stage, count in enumerate(blocks):
        width = 64 * 2**stage
        for i in range(count):
            stride = 2 if i == 0 and stage > 0 else 1
            fits = stride == 1 and channels == expansion * width
            projection = normalized(channels, expansion * width, 1, stride, act=None)
            layers.append(
                Residual(
                    body(channels, width, stride), None if fits else nn.Sequential(*projection)
                )
            )
            channels = expansion * width
    return [*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, classes)]


def inverted_residual(inputs, outputs, expansion, stride):
    inside = expansion * inputs
    body = [
        *([] if expansion == 1 else normalized(inputs, inside, 1, act=nn.ReLU6)),
        *normalized(inside, inside, 3, stride, inside, nn.ReLU6),
        *normalized(inside, outputs, 1, act=None),
    ]
    return Passing(body) if stride == 1 and inputs == outputs else nn.Sequential(*body)


def mobilenet_v2():
    stages = [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2)]
    stages += [(6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)]
    layers, channels = normalized(3, 32, 3, 2, act=nn.ReLU6), 32
    for expansion, outputs, count, first in stages:
        for i in range(count):
            stride = first if i == 0 else 1
            layers.append(inverted_residual(channels, outputs, expansion, stride))
            channels = outputs
    layers += normalized(channels, 1280, 1, act=nn.ReLU6)
    return [*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.2), nn.Linear(1280, 1000)]


def plain(inputs, filters, kernel=3, **others):
    return [nn.Conv2d(inputs, filters, kernel, **others), nn.ReLU(inplace=True)]


def head(features, dropout_first):
    wide = []
    for inputs in (features, 4096):
        layers = [nn.Linear(inputs, 4096), nn.ReLU(inplace=True)]
        wide += [nn.Dropout(0.5), *layers] if dropout_first else [*layers, nn.Dropout(0.5)]
    return [nn.Flatten(), *wide, nn.Linear(4096, 1000)]


def vgg16():
    layers, channels = [], 3
    for filters, count in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
        for _ in range(count):
            layers += plain(channels, filters, padding=1)
            channels = filters
        layers.append(nn.MaxPool2d(2))
    return [*layers, nn.AdaptiveAvgPool2d(7), *head(512 * 49, False)]


def alexnet():
    return [
        *plain(3, 64, 11, stride=4, padding=2),
        nn.MaxPool2d(3, 2),
        *plain(64, 192, 5, padding=2),
        nn.MaxPool2d(3, 2),
        *plain(192, 384, padding=1),
        *plain(384, 256, padding=1),
        *plain(256, 256, padding=1),
        nn.MaxPool2d(3, 2),
        nn.AdaptiveAvgPool2d(6),
        *head(256 * 36, True),
    ]


def mnist():
    dense = [nn.Flatten(), nn.Linear(32 * 169, 100), nn.ReLU(), nn.Linear(100, 10)]
    return [nn.Conv2d(1, 32, 3), nn.ReLU(), nn.MaxPool2d(2), *dense]


def lenet5():
    return [
        *[nn.Conv2d(1, 6, 5, padding=2), nn.Tanh(), nn.AvgPool2d(2)],
        *[nn.Conv2d(6, 16, 5), nn.Tanh(), nn.AvgPool2d(2), nn.Flatten()],
        *[nn.Linear(400, 120), nn.Tanh(), nn.Linear(120, 84), nn.Tanh(), nn.Linear(84, 10)],
    ]


def convolutions():
    layers = [*plain(1, 32, padding=1), *plain(32, 32, padding=1), nn.MaxPool2d(2)]
    layers += [*plain(32, 64, padding=1), *plain(64, 64, padding=1), nn.MaxPool2d(2)]
    return [*layers, nn.Flatten(), nn.Linear(64 * 49, 128), nn.ReLU(), nn.Linear(128, 10)]


# Name: layers, (C, H, W), classes, optimizer.
NETWORKS = {
    "mnist": (mnist, (1, 28, 28), 10, "adam"),
    "lenet5": (lenet5, (1, 28, 28), 10, "adam"),
    "convolutions": (convolutions, (1, 28, 28), 10, "adam"),
    "resnet18-32": (lambda: resnet(basic, (2, 2, 2, 2), 1, "small", 10), (3, 32, 32), 10, "sgd"),
    "resnet18": (lambda: resnet(basic, (2, 2, 2, 2), 1, "large", 1000), (3, 224, 224), 1000, "sgd"),
    "resnet50": (
        lambda: resnet(bottleneck, (3, 4, 6, 3), 4, "large", 1000),
        (3, 224, 224),
        1000,
        "sgd",
    ),
    "mobilenetV2": (mobilenet_v2, (3, 224, 224), 1000, "sgd"),
    "vgg16": (vgg16, (3, 224, 224), 1000, "sgd"),
    "alexnet": (alexnet, (3, 224, 224), 1000, "sgd"),
}


def make_network(task):
    make, (channels, height, width), classes, optimizer = NETWORKS[task["network"]]
    torch.manual_seed(1)
    size = task.get("size")
    shape = (channels, size or height, size or width)
    return nn.Sequential(*make()), shape, classes, optimizer
