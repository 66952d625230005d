"""PyTorch's side of every comparison.

    pytorch.py about                    version, threads, what it was built with
    pytorch.py networks                 each network, layer by layer
    pytorch.py train mnist --batch 1000 --seconds 5      seconds of a step
    pytorch.py infer resnet18 --batch 1
    pytorch.py run '{"kind": "gemm", ...}'               a task of bench/tasks.ts
    pytorch.py serve                    answers requests of bench/worker.ts

Networks are those of bench/networks.ts, in pytorch_networks.py. Where PyTorch gives a choice that a user makes (memory
format, the fused optimizer, a frozen graph for inference), each is tried and the fastest counts.
torch.compile is not used. The allocator is left to the environment: with MALLOC_MMAP_THRESHOLD_ and
its siblings set, the C library keeps freed memory.
"""

import argparse
import json
import os
import statistics
import sys
import time
import warnings

warnings.filterwarnings("ignore")

import torch
from torch import nn
from torch.nn import functional as F

sys.dont_write_bytecode = True
from pytorch_networks import NETWORKS, make_network


class Unsupported(Exception):
    pass


FORMATS = {"contiguous": torch.contiguous_format, "channels last": torch.channels_last}


def make_optimizer(name, network, fused):
    own = {"fused": True} if fused else {}
    if name == "adam":
        return torch.optim.Adam(network.parameters(), lr=1e-3, **own)
    return torch.optim.SGD(network.parameters(), lr=0.01, momentum=0.9, **own)


def training(task, layout, fused):
    network, shape, classes, name = make_network(task)
    network = network.to(memory_format=FORMATS[layout]).train()
    optimizer = make_optimizer(name, network, fused)
    batch = task["batch"]
    count = max(1, min(8, 20_000_000 // (batch * shape[0] * shape[1] * shape[2])))
    images = torch.rand(count, batch, *shape)
    batches = [each.contiguous(memory_format=FORMATS[layout]) for each in images]
    labels = torch.randint(0, classes, (count, batch))
    place = 0

    def step():
        nonlocal place
        place = (place + 1) % count
        optimizer.zero_grad(set_to_none=True)
        loss = F.cross_entropy(network(batches[place]), labels[place])
        loss.backward()
        optimizer.step()

    return step


def inference(task, layout, frozen):
    network, shape, _, _ = make_network(task)
    network = nn.Sequential(network, nn.Softmax(1)).to(memory_format=FORMATS[layout]).eval()
    images = torch.rand(task["batch"], *shape).contiguous(memory_format=FORMATS[layout])
    if frozen:
        with torch.no_grad():
            network = torch.jit.optimize_for_inference(torch.jit.trace(network, images))

    def step():
        with torch.inference_mode():
            network(images)

    return step


def product(task):
    dtype = getattr(torch, task["dtype"])
    a = torch.rand(task["m"], task["k"], dtype=dtype) * 2 - 1
    b = torch.rand(task["k"], task["n"], dtype=dtype) * 2 - 1
    out = torch.empty(task["m"], task["n"], dtype=dtype)
    return lambda: torch.mm(a, b, out=out)


def convolution(task, layout):
    to = lambda *shape: (torch.rand(*shape) * 2 - 1).contiguous(memory_format=FORMATS[layout])
    groups, stride, padding = task["groups"], task["stride"], task["padding"]
    x = to(*task["input"])
    weight = to(task["filters"], x.shape[1] // groups, *task["kernelSize"])
    if task["part"] == "forward":
        return lambda: F.conv2d(x, weight, None, stride, padding, 1, groups)
    dy = to(*F.conv2d(x, weight, None, stride, padding, 1, groups).shape)
    mask = [task["part"] == "inputGradient", task["part"] == "filterGradient", False]
    rest = (None, stride, padding, [1, 1], False, [0, 0], groups, mask)
    return lambda: torch.ops.aten.convolution_backward(dy, x, weight, *rest)


def has_fused(name):
    try:
        step = make_optimizer(name, nn.Linear(1, 1), True)
        step.param_groups[0]["params"][0].grad = torch.zeros(1, 1)
        step.step()
        return True
    except (TypeError, RuntimeError):
        return False


def candidates(task):
    """Name → what makes the call, for each choice that a user has."""
    kind, layouts = task["kind"], [task["layout"]] if "layout" in task else list(FORMATS)
    if kind == "gemm":
        return {"": lambda: product(task)}
    if kind == "conv":
        return {layout: lambda layout=layout: convolution(task, layout) for layout in layouts}
    if task["network"] not in NETWORKS:
        raise Unsupported(f"no network {task['network']}")
    make = training if kind == "train" else inference
    own = {"": False}
    if kind == "infer":
        own["frozen"] = True
    elif has_fused(NETWORKS[task["network"]][3]):
        own["fused optimizer"] = True
    if "layout" in task:
        # Where memory is measured, a second network beside the first would count.
        own = dict([list(own.items())[-1]])
    return {
        ", ".join(filter(None, (layout, name))): lambda layout=layout, flag=flag: make(
            task, layout, flag
        )
        for layout in layouts
        for name, flag in own.items()
    }


def seconds_of(step, count=1):
    start = time.perf_counter()
    for _ in range(count):
        step()
    return (time.perf_counter() - start) / count


class Prepared:
    """The fastest candidate of a task, ready to be measured in repetitions of a millisecond."""

    def __init__(self, task):
        best, failures = None, []
        without_gradients = torch.no_grad() if task["kind"] == "conv" else torch.enable_grad()
        self.context = without_gradients
        with self.context:
            for name, make in candidates(task).items():
                try:
                    step = make()
                    once = min(seconds_of(step) for _ in range(3))
                    if once < 0.02:
                        once = statistics.median(seconds_of(step) for _ in range(7))
                except (RuntimeError, NotImplementedError, AttributeError) as error:
                    failures.append(error)
                    continue
                if best is None or once < best[0]:
                    best = (once, name, step)
        if best is None:
            raise failures[0]
        self.once, self.note, self.step = best
        self.count = max(1, -int(-0.001 // self.once))
        self.parameters = None
        if task["kind"] in ("train", "infer"):
            self.parameters = sum(p.numel() for p in make_network(task)[0].parameters())

    def measure(self, seconds, least):
        with self.context:
            if self.once * self.count < seconds / 4:
                seconds_of(self.step, self.count)
            times, end = [], time.perf_counter() + seconds
            while len(times) < least or time.perf_counter() < end:
                times.append(seconds_of(self.step, self.count))
            return times


def peak_memory():
    try:
        with open("/proc/self/status") as status:
            for line in status:
                if line.startswith("VmHWM:"):
                    return 1024 * int(line.split()[1])
    except OSError:
        pass
    import resource

    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def about():
    build = [line.strip(" -") for line in torch.__config__.show().split("\n")]
    wanted = ("Intel(R) MKL-DNN", "CPU capability", "Intel(R) oneAPI Math Kernel")
    return {
        "library": "pytorch",
        "version": torch.__version__,
        "file": os.path.dirname(torch.__file__),
        "note": ", ".join(line for line in build if line.startswith(wanted)),
        "memory": peak_memory(),
    }


def serve():
    def say(answer):
        print("@@" + json.dumps(answer), flush=True)

    say(about())
    prepared = None
    for line in sys.stdin:
        request = json.loads(line)
        try:
            if request["does"] == "measure":
                say({"times": prepared.measure(request["seconds"], request["least"])})
            elif request["does"] == "memory":
                say({"memory": peak_memory()})
            else:
                prepared = None
                prepared = Prepared(request["task"])
                say({"ready": True, "parameters": prepared.parameters, "note": prepared.note})
        except Unsupported as error:
            say({"unsupported": str(error)})
        except Exception as error:
            say({"failed": str(error).strip().split("\n")[0]})


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("command", choices=["about", "networks", "train", "infer", "run", "serve"])
    parser.add_argument("subject", nargs="?", help="a network, or a task as JSON")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--size", type=int)
    parser.add_argument("--seconds", type=float, default=3)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    if args.command == "serve":
        serve()
    elif args.command == "about":
        print(json.dumps(about(), indent=2))
    elif args.command == "networks":
        for name, (make, shape, _, optimizer) in NETWORKS.items():
            network = nn.Sequential(*make())
            count = sum(each.numel() for each in network.parameters())
            print(f"{name}: {shape}, {optimizer}, {count} parameters\n{network}\n")
    else:
        task = {"kind": args.command, "network": args.subject, "batch": args.batch}
        if args.size is not None:
            task["size"] = args.size
        prepared = Prepared(json.loads(args.subject) if args.command == "run" else task)
        times = prepared.measure(args.seconds, 5)
        print(json.dumps({"note": prepared.note, "median": statistics.median(times), "times": times}))


if __name__ == "__main__":
    main()
