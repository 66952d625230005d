"""What the make_*.py scripts share: reproducible inputs and the file format (see README.md)."""

import base64
import json
import pathlib

import numpy as np

MULTIPLIER = np.uint64(6364136223846793005)
INCREMENT = np.uint64(1442695040888963407)
DTYPES = {"float64": "<f8", "int32": "<i4", "uint8": "|u1"}


def uniforms(seed, count):
    """`count` numbers in [0, 1): the upper 53 bits of a 64-bit linear congruential generator."""
    if count == 0:
        return np.zeros(0)
    # state_n = a^n * seed + c * (a^(n-1) + ... + 1), all modulo 2^64
    with np.errstate(over="ignore"):
        powers = np.cumprod(np.full(count, MULTIPLIER))
        sums = np.cumsum(np.concatenate(([np.uint64(1)], powers[:-1])))
        states = powers * np.uint64(seed) + INCREMENT * sums
    return (states >> np.uint64(11)).astype(np.float64) * 2.0**-53


class Generated:
    """An input that is stored as the seed it is made from."""

    def __init__(self, seed, shape, levels=None, span=None):
        self.seed, self.shape, self.levels, self.span = seed, list(shape), levels, span
        u = uniforms(seed, int(np.prod(shape, dtype=np.int64)))
        if span is not None:
            values = span[0] + (span[1] - span[0]) * (np.floor(u * 2**16) + 0.5) / 2**16
            assert np.array_equal(values, values.astype(np.float32)), span
        elif levels is not None:
            values = np.floor(u * levels) - levels // 2
        else:
            values = 2 * u - 1
        self.values = values.reshape(shape)

    def to_json(self):
        entry = {"dtype": "float64", "shape": self.shape, "seed": self.seed}
        for key in ("levels", "span"):
            if getattr(self, key) is not None:
                entry[key] = getattr(self, key)
        return entry


def tensor_to_json(value):
    if isinstance(value, Generated):
        return value.to_json()
    array = np.asarray(value)
    if array.dtype.kind in "iu":
        dtype = "uint8" if array.dtype == np.uint8 else "int32"
    else:
        dtype = "float64"
    # ascontiguousarray would turn a scalar into a vector.
    data = np.ascontiguousarray(array).astype(DTYPES[dtype]).tobytes()
    return {
        "dtype": dtype,
        "shape": list(array.shape),
        "data": base64.b64encode(data).decode("ascii"),
    }


def case(name, attributes, inputs, outputs):
    return {
        "name": name,
        "attributes": attributes,
        "inputs": {key: tensor_to_json(value) for key, value in inputs.items()},
        "outputs": {key: tensor_to_json(value) for key, value in outputs.items()},
    }


def write(name, made_by, cases):
    file = pathlib.Path(__file__).parent / f"{name}.json"
    lines = ",\n".join(json.dumps(entry, separators=(",", ":")) for entry in cases)
    head = json.dumps({"version": 1, "madeBy": made_by})[:-1]
    file.write_text(f'{head}, "cases": [\n{lines}\n]}}\n')
    print(f"{file.name}: {len(cases)} cases, {file.stat().st_size / 1000:.0f} kB")
