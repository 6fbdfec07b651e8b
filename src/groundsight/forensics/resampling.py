"""Enlargement: interpolation leaves a rhythm in how much neighbouring pixels curve.

An interpolated pixel is smoother the farther it lies from the pixels it is made of, and that
distance repeats along a row with the scale factor. So the mean magnitude of the second difference,
a column profile and a row profile, has a line in its spectrum; a line at the same frequency in both
profiles is the sign. Multiples of 1/8 belong to JPEG's blocks and ½ to camera mosaics, so factors
that fall there (×1.33, ×1.6, ×2) are not seen; nor is making smaller, which leaves hardly a line.

Source: A. C. Gallagher, "Detection of linear and cubic interpolation in JPEG compressed images"
(CRV 2005), §2; the demand that both axes agree is ours.
"""

import numpy as np
import numpy.typing as npt

Float32Array = npt.NDArray[np.float32]
FloatArray = npt.NDArray[np.float64]
MIN_SIDE_PX = 192
SPECTRUM_LENGTH = 2048
LOWEST, HIGHEST = 0.06, 0.485
# On photographs of the fit split 99% stay below; see docs/evidence.md for the rates.
MIN_LINE = 8.0
MAX_LINES = 3


def resampling_line(luma: Float32Array) -> tuple[float, float]:
    """The strongest spectral line that both axes share.

    Args:
        luma: (height, width); the central square is used.

    Returns:
        (height of the line over the median of the spectrum, its frequency in cycles a pixel);
        (0, 0) for pictures whose smaller side is below `MIN_SIDE_PX`.
    """
    side = min(luma.shape)
    if side < MIN_SIDE_PX:
        return 0.0, 0.0
    top, left = (luma.shape[0] - side) // 2, (luma.shape[1] - side) // 2
    square = luma[top : top + side, left : left + side]
    frequency = np.arange(SPECTRUM_LENGTH // 2 + 1) / SPECTRUM_LENGTH
    allowed = _allowed(frequency, side)
    lines = np.minimum(_spectrum(square, 0, frequency), _spectrum(square, 1, frequency))
    lines = np.where(allowed, lines, 0.0)
    best = int(lines.argmax())
    if _is_comb(lines, side):
        return 0.0, 0.0
    return float(lines[best]), float(frequency[best])


def _is_comb(lines: FloatArray, side: int) -> bool:
    """Whether more lines stand nearly as high as the highest than interpolation has.

    Tiles, bricks, pixel art and charts repeat in themselves; their spectrum is a comb of many
    like teeth. Interpolation has its line and at most two overtones.
    """
    width = 2 * SPECTRUM_LENGTH / side + 3  # bins of one line at half its height
    return bool((lines > lines.max() / 2).sum() > MAX_LINES * width)


def _allowed(frequency: FloatArray, side: int) -> npt.NDArray[np.bool_]:
    from_block = np.abs(frequency * 8 - np.rint(frequency * 8)) / 8
    # A line of a windowed profile is about two and a half bins of 1/side wide.
    allowed: npt.NDArray[np.bool_] = from_block > 2.5 / side
    return allowed & (frequency > LOWEST) & (frequency < HIGHEST)


def _spectrum(square: Float32Array, axis: int, frequency: FloatArray) -> FloatArray:
    """Magnitude over its median, each bin the largest of itself and its neighbours."""
    curve = np.abs(np.diff(square, 2, axis=axis)).mean(axis=1 - axis, dtype=np.float64)
    profile = np.log(curve + 0.05)
    smooth = np.convolve(np.pad(profile, 4, mode="edge"), np.full(9, 1 / 9), "valid")
    window = np.hanning(len(profile))
    magnitude = np.abs(np.fft.rfft((profile - smooth) * window, SPECTRUM_LENGTH))
    middle = magnitude[(frequency > LOWEST) & (frequency < HIGHEST)]
    magnitude = magnitude / max(float(np.median(middle)), 1e-9)
    return np.maximum(magnitude, np.maximum(np.roll(magnitude, 1), np.roll(magnitude, -1)))
