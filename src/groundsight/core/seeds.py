"""Seeds: one root seed, and named streams that do not disturb each other."""

import json
from collections.abc import Sequence
from hashlib import sha256
from typing import TypeVar

import numpy as np

Part = str | int | float
Item = TypeVar("Item")
_SHORT = (1 << 31) - 1


def derive_seed(root: int, *parts: Part) -> int:
    """A 63-bit seed that depends on the root and on every part, in order.

    The same on every machine, Python and run (unlike `hash`). Adding a new named stream never
    changes the numbers of an old one. A part's type counts: 1, 1.0 and "1" are three streams.
    """
    # JSON in ASCII: unambiguous, and any file name fits, even one that is no valid text.
    text = json.dumps([_plain(part) for part in (root, *parts)])
    return int.from_bytes(sha256(text.encode("ascii")).digest()[:8], "big") >> 1


def derive_short_seed(root: int, *parts: Part) -> int:
    """The last 31 bits of `derive_seed`: what every server, and every device's generator, takes."""
    return derive_seed(root, *parts) & _SHORT


def make_rng(root: int, *parts: Part) -> np.random.Generator:
    """A numpy generator seeded by `derive_seed`."""
    return np.random.Generator(np.random.PCG64(derive_seed(root, *parts)))


def pick(rng: np.random.Generator, of: Sequence[Item]) -> Item:
    """One of a sequence that is not empty, each as likely."""
    return of[int(rng.integers(len(of)))]


def _plain(part: Part) -> Part:
    plain: Part = part.item() if isinstance(part, np.generic) else part
    return plain
