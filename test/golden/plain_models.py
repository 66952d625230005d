"""LeNet-5, both AlexNets, VGG-16 and network-in-network in PyTorch, named as in stridenet."""

import torch
from torch import nn

CONNECTIONS = (
    *((0, 1, 2), (1, 2, 3), (2, 3, 4), (3, 4, 5), (0, 4, 5), (0, 1, 5)),
    *((0, 1, 2, 3), (1, 2, 3, 4), (2, 3, 4, 5), (0, 3, 4, 5), (0, 1, 4, 5), (0, 1, 2, 5)),
    *((0, 1, 3, 4), (1, 2, 4, 5), (0, 2, 3, 5), (0, 1, 2, 3, 4, 5)),
)


def activated(layer, activation=nn.functional.relu):
    """The layer with an activation, under its own name."""
    layer.register_forward_hook(lambda _, __, output: activation(output))
    return layer


class Partial(nn.Module):
    """A convolution 5x5 whose filters see what CONNECTIONS lists, in groups of as many channels."""

    def __init__(self):
        super().__init__()
        for group, seen in enumerate((3, 4, 6)):
            filters = sum(len(each) == seen for each in CONNECTIONS)
            made = nn.Conv2d(seen * filters, filters, 5, groups=filters)
            self.add_module(str(group), nn.ModuleDict({"1": made}))

    def forward(self, x):
        made = []
        for group, seen in enumerate((3, 4, 6)):
            channels = [c for each in CONNECTIONS if len(each) == seen for c in each]
            made.append(getattr(self, str(group))["1"](x[:, channels]))
        return torch.cat(made, 1)


def lenet5(third):
    return nn.Sequential(
        activated(nn.Conv2d(1, 6, 5, padding=2), torch.tanh),
        nn.AvgPool2d(2),
        activated(third, torch.tanh),
        nn.AvgPool2d(2),
        nn.Flatten(),
        activated(nn.Linear(400, 120), torch.tanh),
        activated(nn.Linear(120, 84), torch.tanh),
        nn.Linear(84, 10),
    )


class Plain(nn.Module):
    """Features and three dense layers at the places that dropout leaves to them."""

    def __init__(self, features, pool, inputs, hidden, classes, places):
        super().__init__()
        self.features, self.pool = nn.Sequential(*features), pool
        sizes = ((inputs, hidden), (hidden, hidden), (hidden, classes))
        self.classifier = nn.ModuleDict({p: nn.Linear(*s) for p, s in zip(places, sizes)})

    def forward(self, x):
        first, second, third = self.classifier.values()
        x = torch.flatten(self.pool(self.features(x)), 1)
        return third(torch.relu(second(torch.relu(first(x)))))


def alexnet(hidden, classes):
    relu, pool = nn.ReLU(), nn.MaxPool2d(3, 2)
    features = [
        *(nn.Conv2d(3, 64, 11, 4, 2), relu, pool),
        *(nn.Conv2d(64, 192, 5, padding=2), relu, pool),
        *(nn.Conv2d(192, 384, 3, padding=1), relu),
        *(nn.Conv2d(384, 256, 3, padding=1), relu),
        *(nn.Conv2d(256, 256, 3, padding=1), relu, pool),
    ]
    return Plain(features, nn.AdaptiveAvgPool2d(6), 256 * 36, hidden, classes, "146")


def alexnet_two_towers(hidden, classes):
    pool, normalize = nn.MaxPool2d(3, 2), nn.LocalResponseNorm(5, 5e-4, 0.75, 2)
    features = [
        *(activated(nn.Conv2d(3, 96, 11, 4, 2)), normalize, pool),
        *(activated(nn.Conv2d(96, 256, 5, padding=2, groups=2)), normalize, pool),
        activated(nn.Conv2d(256, 384, 3, padding=1)),
        activated(nn.Conv2d(384, 384, 3, padding=1, groups=2)),
        *(activated(nn.Conv2d(384, 256, 3, padding=1, groups=2)), pool),
    ]
    return Plain(features, nn.Identity(), 256, hidden, classes, "146")


def vgg16(width, hidden, classes):
    features, channels = [], 3
    for multiple, count in ((1, 2), (2, 2), (4, 3), (8, 3), (8, 3)):
        for _ in range(count):
            features += [nn.Conv2d(channels, multiple * width, 3, padding=1), nn.ReLU()]
            channels = multiple * width
        features.append(nn.MaxPool2d(2))
    return Plain(features, nn.AdaptiveAvgPool2d(7), 49 * channels, hidden, classes, "036")


def network_in_network(classes):
    def mlpconv(channels, size, *filters):
        sizes = zip((channels, *filters), filters, (size, 1, 1))
        return nn.Sequential(*(activated(nn.Conv2d(*s, padding=s[2] // 2)) for s in sizes))

    return nn.Sequential(
        mlpconv(3, 5, 192, 160, 96),
        nn.MaxPool2d(3, 2, ceil_mode=True),
        nn.Identity(),
        mlpconv(96, 5, 192, 192, 192),
        nn.AvgPool2d(3, 2, ceil_mode=True),
        nn.Identity(),
        mlpconv(192, 3, 192, 192, classes),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
    )


def plain_models():
    """Name, name in sn.models, function, options, batch and seed of every case."""
    digit, tiny = [1, 28, 28], [3, 32, 32]
    wide = {"inputShape": [3, 67, 63], "classes": 10, "hidden": 16, "dropout": 0}
    narrow = {**wide, "inputShape": tiny, "width": 8}
    lenet = {"inputShape": digit, "classes": 10}
    small = {"inputShape": [3, 16, 12], "classes": 10, "dropout": 0}
    return [
        ("lenet5", "lenet5", lambda: lenet5(nn.Conv2d(6, 16, 5)), lenet, 4, 1),
        ("lenet5Original", "lenet5Original", lambda: lenet5(Partial()), lenet, 4, 1),
        ("alexnet", "alexnet", lambda: alexnet(16, 10), wide, 2, 1),
        ("alexnetTwoTowers", "alexnetTwoTowers", lambda: alexnet_two_towers(16, 10), wide, 2, 1),
        ("vgg16, narrow", "vgg16", lambda: vgg16(8, 16, 10), narrow, 2, 1),
        ("networkInNetwork", "networkInNetwork", lambda: network_in_network(10), small, 2, 1),
    ]
