"""Seeds: one root seed, and named streams that do not disturb each other."""

from hashlib import sha256

import numpy as np

Part = str | int | float


def derive_seed(root: int, *parts: Part) -> int:
    """A 63-bit seed that depends on the root and on every part, in order.

    The same on every machine, Python and run (unlike `hash`). Adding a new named stream never
    changes the numbers of an old one.
    """
    text = "\x1f".join([str(root), *(f"{type(part).__name__}:{part}" for part in parts)])
    return int.from_bytes(sha256(text.encode()).digest()[:8], "big") >> 1


def make_rng(root: int, *parts: Part) -> np.random.Generator:
    """A numpy generator seeded by `derive_seed`."""
    return np.random.Generator(np.random.PCG64(derive_seed(root, *parts)))
