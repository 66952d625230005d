"""Philox 4x32-10 (Salmon, Moraes, Dror, Shaw 2011) on arrays, and the library's `Generator` on it."""

import math

import numpy as np

WORD = 2**32
MASK = np.uint64(WORD - 1)
HALF = np.uint64(32)


def philox(counter, key):
    """
    Four arrays of random words. `counter` are four words or arrays of words that broadcast, `key`
    two words.
    """
    c = [np.asarray(word, dtype=np.uint64) for word in counter]
    k = [word % WORD for word in key]
    for _ in range(10):
        first, second = np.uint64(0xD2511F53) * c[0], np.uint64(0xCD9E8D57) * c[2]
        c = [
            (second >> HALF) ^ c[1] ^ np.uint64(k[0]),
            second & MASK,
            (first >> HALF) ^ c[3] ^ np.uint64(k[1]),
            first & MASK,
        ]
        k = [(k[0] + 0x9E3779B9) % WORD, (k[1] + 0xBB67AE85) % WORD]
    return c


def fnv1a(text):
    """The 32-bit hash that tells streams of one seed apart."""
    value = 0x811C9DC5
    for letter in text.encode("ascii"):
        value = ((value ^ letter) * 0x01000193) % WORD
    return value


def words(seed, stream, count, start=0):
    """Words start, start + 1, … (start a multiple of 4) of the stream of that name."""
    blocks = np.arange(start // 4, start // 4 + -(-count // 4), dtype=np.uint64)
    counter = (blocks & MASK, blocks >> HALF, fnv1a(stream), 0)
    made = philox(counter, (seed % WORD, seed // WORD))
    return np.stack([np.broadcast_to(word, blocks.shape) for word in made], axis=1).ravel()[:count]


def uniforms(seed, stream, count):
    """In [0, 1), multiples of 2^-32."""
    return words(seed, stream, count).astype(np.float64) / WORD


def logarithm(x):
    """ln x by 2 artanh((m - 1) / (m + 1)) after x = m 2^e, in the library's order of operations."""
    mantissa, exponent = np.frexp(x)
    low = mantissa < math.sqrt(0.5)
    mantissa, exponent = np.where(low, 2 * mantissa, mantissa), np.where(low, exponent - 1, exponent)
    t = (mantissa - 1) / (mantissa + 1)
    square, total = t * t, np.zeros_like(t)
    for k in range(23, 0, -2):
        total = total * square + 1 / k
    return 2 * t * total + exponent * math.log(2)


def normals(seed, stream, count):
    """Standard normals by Marsaglia's polar method: pairs outside the unit circle are left out."""
    made, start, found = [], 0, 0
    while 2 * found < count:
        pairs = 2 * (count // 2 - found) + 64
        u, v = (2 * (words(seed, stream, 2 * pairs, start) / WORD) - 1).reshape(-1, 2).T
        start += 2 * pairs
        square = u * u + v * v
        inside = (square < 1) & (square > 0)
        u, v, square = u[inside], v[inside], square[inside]
        factor = np.sqrt((-2 * logarithm(square)) / square)
        made.append(np.stack([u * factor, v * factor], axis=1).ravel())
        found += len(u)
    return np.concatenate(made)[:count]


# The generator's published known answers.
assert [int(w) for w in philox((0, 0, 0, 0), (0, 0))] == [
    0x6627E8D5,
    0xE169C58D,
    0xBC57AC4C,
    0x9B00DBD8,
]
