"""Measures PyTorch on the MNIST network (conv 32 of 3x3, ReLU, max pool 2x2, dense 100 ReLU,
dense 10; Adam 0.001) with synthetic data of MNIST's shape, and on a matrix product.

Prints one JSON line. The allocator is left to the caller's environment: with
MALLOC_MMAP_THRESHOLD_ and its siblings set, the C library keeps freed memory and PyTorch is faster.
"""

import argparse
import json
import os
import statistics
import time

import torch
from torch import nn


def make_network():
    torch.manual_seed(1)
    network = nn.Sequential(
        nn.Conv2d(1, 32, 3),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(32 * 13 * 13, 100),
        nn.ReLU(),
        nn.Linear(100, 10),
    )
    for layer in network:
        if isinstance(layer, (nn.Conv2d, nn.Linear)):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            nn.init.zeros_(layer.bias)
    return network


def make_training(batch):
    network = make_network()
    optimizer = torch.optim.Adam(network.parameters(), lr=0.001)
    loss_of = nn.CrossEntropyLoss()
    images = torch.rand(8 * batch, 1, 28, 28)
    labels = torch.randint(0, 10, (8 * batch,))
    step_number = 0

    def step():
        nonlocal step_number
        first = step_number % 8 * batch
        step_number += 1
        optimizer.zero_grad(set_to_none=True)
        loss = loss_of(network(images[first : first + batch]), labels[first : first + batch])
        loss.backward()
        optimizer.step()

    return step


def make_inference(batch):
    network = make_network().eval()
    images = torch.rand(batch, 1, 28, 28)

    def step():
        with torch.inference_mode():
            torch.softmax(network(images), dim=1)

    return step


def make_gemm(size):
    a = torch.rand(size, size)
    b = torch.rand(size, size)
    out = torch.empty(size, size)
    return lambda: torch.mm(a, b, out=out)


def measure(step, seconds, warm_up=3, least=5):
    """Seconds of each step, measured for about `seconds`."""
    for _ in range(warm_up):
        step()
    times = []
    end = time.perf_counter() + seconds
    while len(times) < least or time.perf_counter() < end:
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    return times


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--task", choices=["train", "infer", "gemm"], default="train")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--batch", type=int, default=1000)
    parser.add_argument("--size", type=int, default=1024)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)

    tuned = "MALLOC_TRIM_THRESHOLD_" in os.environ
    result = {
        "peer": "pytorch",
        "version": torch.__version__,
        "threads": args.threads,
        "note": "allocator keeps memory" if tuned else "as installed",
    }
    if args.task == "gemm":
        times = measure(make_gemm(args.size), args.seconds)
        work, unit = 2e-9 * args.size**3, "gflops"
        result["task"] = f"gemm-{args.size}"
    else:
        make = make_training if args.task == "train" else make_inference
        times = measure(make(args.batch), args.seconds)
        work, unit = args.batch, "imagesPerSecond"
        result["task"] = f"mnist-{args.task}-{args.batch}"
    rates = [work / t for t in times]
    result[unit] = {"median": statistics.median(rates), "all": [round(r, 1) for r in rates[:200]]}
    print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
