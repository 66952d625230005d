"""Files by NumPy's save, savez and savez_compressed, with the values that they hold."""

import base64
import io

import numpy as np

from golden import case, write

cases = []


def add(name, data, outputs, **attributes):
    attributes["file"] = base64.b64encode(data).decode("ascii")
    cases.append(case(name, attributes, {}, outputs))


def saved(array, version=(1, 0)):
    file = io.BytesIO()
    np.lib.format.write_array(file, array, version=version)
    return file.getvalue()


def values(descr, shape):
    """Values that show every byte, the ends of the range that int32 has among them."""
    dtype = np.dtype(descr)
    count = int(np.prod(shape))
    if dtype.kind == "f":
        wide = np.array([0.0, -0.0, 1.5, -2.25, 1e-3, 65504.0, np.inf, -np.inf, np.nan, 6e-8])
        return np.resize(wide, count).astype(dtype).reshape(shape)
    if dtype.kind == "b":
        return (np.arange(count) % 3 == 0).reshape(shape)
    low = max(np.iinfo(dtype).min, -(2**31))
    high = min(np.iinfo(dtype).max, 2**31 - 1)
    wide = np.array([low, high, 0, 1, high // 3, low // 5], dtype=np.int64)
    return np.resize(wide, count).astype(dtype).reshape(shape)


def arrays():
    kinds = ["f2", "f4", "f8", "i2", "i4", "i8", "u2", "u4", "u8"]
    for descr in ["|b1", "|i1", "|u1", *(order + kind for kind in kinds for order in "<>")]:
        array = values(descr, (3, 4))
        add(f"npy {descr}", saved(array), {"y": array}, descr=descr)
        turned = np.asfortranarray(values(descr, (2, 3, 5)))
        add(f"npy {descr} in Fortran order", saved(turned), {"y": turned}, descr=descr)
    for version in ((1, 0), (2, 0), (3, 0)):
        array = values("<i4", (2, 2))
        add(f"npy version {version[0]}", saved(array, version), {"y": array}, descr="<i4")
    for shape in ((), (1,), (7,), (0,), (3, 0, 2), (1, 2, 1, 2, 1, 2, 1, 2)):
        array = values("<f4", shape)
        add(f"npy of shape {shape}", saved(array), {"y": array}, descr="<f4")


def archives():
    parts = {
        "x_train": values("|u1", (4, 3, 3)),
        "y": values("<i8", (5,)),
        "layer/weight": np.asfortranarray(values(">f4", (3, 4))),
        "scalar": np.float64(2.5),
        "none": np.zeros((0, 3), np.float32),
        "zeros": np.zeros((64, 64), np.int32),
        "größe": values("<f2", (3,)),
        "__proto__": values("|b1", (2,)),
    }
    for save in (np.savez, np.savez_compressed):
        file = io.BytesIO()
        save(file, **parts)
        add(save.__name__, file.getvalue(), parts)


def refused():
    for name, array in (
        ("objects", np.array([{"a": 1}, None], dtype=object)),
        ("records", np.zeros(3, dtype=[("a", "<f4"), ("b", "<i4")])),
        ("complex numbers", np.ones(2, np.complex64)),
        ("text", np.array(["a", "bc"])),
        ("bytes", np.array([b"a", b"bc"])),
        ("times", np.array(["2020-01-01"], "M8[D]")),
        ("int64 beyond int32", np.array([1, 2**31])),
        ("int64 far below int32", np.array([1, -(2**63)])),
        ("uint64 beyond int64", np.array([2**64 - 1], np.uint64)),
        ("uint32 beyond int32", np.array([2**31], ">u4")),
    ):
        file = io.BytesIO()
        np.save(file, array)
        add(f"refused: {name}", file.getvalue(), {})
    file = io.BytesIO()
    np.save(file, np.ones(2))
    np.save(file, np.ones(2))
    add("refused: two arrays in one file", file.getvalue(), {})


if __name__ == "__main__":
    arrays()
    archives()
    refused()
    write("npy", f"make_npy.py, NumPy {np.__version__}", cases)
