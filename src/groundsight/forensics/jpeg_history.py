"""JPEG compression, now and before: the file's own quality, and traces of an earlier JPEG.

A JPEG leaves each DCT coefficient of a block at a multiple of its quantisation step. Decoded and
saved again, as PNG or as a finer JPEG, the coefficients still crowd around those multiples. So for
every quality of the IJG tables we take the mean of cos(2π d / q) over the coefficients d of a few
low-frequency modes with |d| ≥ q/2: near 1 for an earlier quantisation with q, about 0 for a smooth
density, and slightly below 0 for the Laplacian densities of pictures.

Not seen, by construction: an earlier JPEG that was finer than the last one (its traces are
quantised away; the last quality tells the loss then), one with tables unlike IJG's, and one whose
pixels were resized since.

Source: the periodicity of doubly quantised histograms is Lukáš & Fridrich, "Estimation of primary
quantization matrix in double compressed JPEG images" (DFRWS 2003), §3.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from groundsight.forensics.metadata.containers import jpeg_segments
from groundsight.vision.images import RGBArray

Float32Array = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]

# The luminance table of ITU-T T.81, Annex K, from which IJG scales every quality.
BASE_TABLE = np.array(
    [
        [16, 11, 10, 16, 24, 40, 51, 61],
        [12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77],
        [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101],
        [72, 92, 95, 98, 112, 100, 103, 99],
    ],
    dtype=np.int64,
)
_LUMA_OF_RGB = np.array([0.299, 0.587, 0.114], dtype=np.float32)
QUALITIES = range(30, 99)
# Low frequencies: enough coefficients differ from zero there.
MODES = tuple((u, v) for u in range(4) for v in range(4) if 1 <= u + v <= 4)
# A step below 3 drowns in the rounding of pixels; one below 1.3 of the file's own is not seen.
MIN_STEP, MIN_STEP_RATIO = 3, 1.3
MIN_COEFFICIENTS = 200
BINS_PER_UNIT, MAX_COEFFICIENT = 4, 256
MAX_STEP = 128
# Chosen on photographs of the fit split, resized ×0.83 and coded once at quality 60-95 or kept as
# PNG: the largest score was 0.235 on the file's own grid and 0.053 on another one.
MIN_SCORE_ON_GRID, MIN_SCORE_OFF_GRID = 0.30, 0.10


@dataclass(frozen=True)
class EarlierJpeg:
    """Traces of an earlier JPEG compression.

    Args:
        quality: IJG quality whose table fits, about.
        score: mean cosine, up to 1.
        offset_px: (x, y) of the earlier block grid against the picture's; (0, 0) when aligned.
    """

    quality: int
    score: float
    offset_px: tuple[int, int]


def quality_table(quality: int) -> IntArray:
    """IJG's luminance table (8, 8) for a quality of 1 to 100."""
    scale = 5000 // quality if quality < 50 else 200 - 2 * quality
    return np.clip((BASE_TABLE * scale + 50) // 100, 1, 255)


def estimate_quality(table: IntArray) -> int:
    """The IJG quality whose table is nearest (mean absolute difference), 1 to 100."""
    return min(range(1, 101), key=lambda q: float(np.abs(quality_table(q) - table).mean()))


def read_luminance_table(data: bytes) -> IntArray | None:
    """The quantisation table (8, 8) of a JPEG file's first component; None where there is none."""
    tables: dict[int, IntArray] = {}
    selector = 0
    for marker, body in jpeg_segments(data):
        if marker == 0xDB:
            tables.update(_tables(body))
        elif 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC) and len(body) >= 9:
            selector = body[8]
    return tables.get(selector)


def _tables(body: bytes) -> Iterable[tuple[int, IntArray]]:
    at = 0
    while at < len(body):
        size = 2 if body[at] >> 4 else 1
        raw = body[at + 1 : at + 1 + 64 * size]
        if len(raw) < 64 * size:
            return
        table = np.zeros(64, dtype=np.int64)
        table[_ZIGZAG] = np.frombuffer(raw, dtype=">u2" if size == 2 else np.uint8)
        yield body[at] & 15, table.reshape(8, 8)
        at += 1 + 64 * size


# Position in the row-major table of each value in the order of the file.
_ZIGZAG = np.array(
    sorted(
        range(64),
        key=lambda k: (k // 8 + k % 8, k // 8 if (k // 8 + k % 8) % 2 else k % 8),
    )
)


def central_luma(rgb: RGBArray, *, side_px: int, grid_px: int) -> Float32Array:
    """Luma − 128 of the middle of a picture.

    Args:
        rgb: (H, W, 3).
        side_px: of the part at most.
        grid_px: its corner lies on a multiple of this, e.g. of the side of the JPEG's blocks.
    """
    top, left = (max(0, side - side_px) // 2 // grid_px * grid_px for side in rgb.shape[:2])
    part = rgb[top : top + side_px, left : left + side_px].astype(np.float32)
    luma: Float32Array = np.einsum("hwc,c->hw", part, _LUMA_OF_RGB)
    return luma - np.float32(128)


def find_earlier_jpeg(luma: Float32Array, own_table: IntArray | None) -> EarlierJpeg | None:
    """Traces of an earlier, coarser JPEG in decoded pixels.

    Args:
        luma: (height, width), cut so that its first pixel starts a block of the file's own grid.
        own_table: the file's own luminance table; None for files that are no JPEG.
    """
    own = np.ones((8, 8), dtype=np.int64) if own_table is None else own_table
    quality, score = _best_quality(luma, own)
    if score >= MIN_SCORE_ON_GRID:
        return EarlierJpeg(quality, score, (0, 0))
    x, y = block_phase(luma, axis=1), block_phase(luma, axis=0)
    if (x, y) != (0, 0):
        quality, score = _best_quality(luma[y:, x:], own)
        if score >= MIN_SCORE_OFF_GRID:
            return EarlierJpeg(quality, score, (x, y))
    return None


def block_phase(luma: Float32Array, axis: int) -> int:
    """Where block borders stand out most along an axis: 0 to 7."""
    steps = np.abs(np.diff(luma, axis=axis)).mean(axis=1 - axis)
    whole = steps[: len(steps) // 8 * 8]
    if not len(whole):
        return 0
    # Step i lies between pixels i and i + 1; a border before pixel 8 is step 7.
    return int(whole.reshape(-1, 8).mean(0).argmax() + 1) % 8


def _best_quality(luma: Float32Array, own: IntArray) -> tuple[int, float]:
    """(quality, score) of the table that fits best; of near equals the coarsest.

    Where one step is a multiple of another the finer table fits as well, so the coarsest of the
    good ones is the earlier step itself.
    """
    cosines, counts = _mode_sums(luma)
    scores = {q: _score(quality_table(q), own, cosines, counts) for q in QUALITIES}
    best = max(scores.values())
    return min(q for q, score in scores.items() if score >= 0.9 * best), best


def _score(table: IntArray, own: IntArray, cosines: Float32Array, counts: Float32Array) -> float:
    total = number = 0.0
    for index, mode in enumerate(MODES):
        step = int(table[mode])
        if MIN_STEP <= step < MAX_STEP and step >= MIN_STEP_RATIO * int(own[mode]):
            total += float(cosines[index, step])
            number += float(counts[index, step])
    return total / number if number >= MIN_COEFFICIENTS else 0.0


def _mode_sums(luma: Float32Array) -> tuple[Float32Array, Float32Array]:
    """(modes, step): sum of cos(2π d / step), and number, of the coefficients |d| ≥ step / 2."""
    num_bins = BINS_PER_UNIT * MAX_COEFFICIENT
    low = _low_coefficients(luma)
    histograms = np.zeros((len(MODES), num_bins), dtype=np.float32)
    for index, mode in enumerate(MODES):
        places = np.rint(np.abs(low[:, mode[0], mode[1]]) * BINS_PER_UNIT).astype(np.int64)
        histograms[index] = np.bincount(places, minlength=num_bins)[:num_bins]
    cosine_of_bin, bin_counts = _bin_tables()
    # einsum, not @: threaded BLAS on such small matrices stalls when other processes are busy.
    return (
        np.einsum("mb,bs->ms", histograms, cosine_of_bin),
        np.einsum("mb,bs->ms", histograms, bin_counts),
    )


@lru_cache(maxsize=1)
def _bin_tables() -> tuple[Float32Array, Float32Array]:
    """(bins, step) for steps below `MAX_STEP`: cosine of a bin, and whether it counts."""
    value = np.arange(BINS_PER_UNIT * MAX_COEFFICIENT, dtype=np.float32)[:, None] / BINS_PER_UNIT
    step = np.maximum(np.arange(MAX_STEP, dtype=np.float32), 1.0)[None, :]
    counts = (value >= step / 2).astype(np.float32)
    return (np.cos(2 * np.pi * value / step) * counts).astype(np.float32), counts


def _low_coefficients(luma: Float32Array) -> Float32Array:
    """The 4×4 lowest DCT coefficients of each 8×8 block: (blocks, 4, 4)."""
    rows, columns = luma.shape[0] // 8, luma.shape[1] // 8
    blocks = luma[: rows * 8, : columns * 8].reshape(rows, 8, columns, 8).transpose(0, 2, 1, 3)
    n = np.arange(8)
    basis: npt.NDArray[np.float64] = 0.5 * np.cos((2 * n[None, :] + 1) * n[:4, None] * np.pi / 16)
    basis[0] /= np.sqrt(2.0)
    low = basis.astype(np.float32)
    return np.asarray(low @ blocks.reshape(-1, 8, 8) @ low.T, dtype=np.float32)
