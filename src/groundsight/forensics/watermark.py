"""Stable Diffusion's invisible watermark: the "dwtDct" method of the invisible-watermark package.

The reference scripts of Stable Diffusion 1 and 2, SDXL and FLUX hide a fixed message in what they
write; most other programs with the same models do not. How it is laid down (`maxDct.py` of
ShieldMnt/invisible-watermark; "DCT" is only in the name):

1. U of OpenCV's 8-bit YUV, U = 0.492 (B − Y) + 128, sides cut to multiples of four.
2. The low band of one Haar step: LL = (a + b + c + d) / 2 of each 2×2 pixels.
3. LL in blocks of 4×4 (8×8 pixels), row by row; block n carries bit n mod L of the message.
4. Of a block's fifteen values behind the first, the largest is moved to (q + ¼ + bit/2) · 36.

So a block votes 1 when its largest value modulo 36 lies above 18. Pictures bias these votes (a grey
one votes 0 everywhere), so we do not count matching bits as the official decoder does: we correlate
the mean vote of each of the L positions with the message, which no common bias can imitate, and
turn r into a chance by Fisher's z. Two alignments are tried: as written, and, for crops whose
corner lies on the 8-pixel grid, every width and offset modulo L, with the chance multiplied by
their number. A resized picture, or a crop off the grid, has lost the watermark for this reader; so
has a JPEG below about quality 95 with half-size chroma (4:2:0); at 4:4:4 it outlives quality 85.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from groundsight.core.report import Evidence
from groundsight.forensics.finding import Finding, Says
from groundsight.vision.images import Picture, RGBArray

FloatArray = npt.NDArray[np.float64]
Float32Array = npt.NDArray[np.float32]
STEP = 36.0
BLOCK_PX = 8
# The official encoder refuses smaller pictures.
MIN_PIXELS = 256 * 256
# Enough votes for any message, and a bound on the time for large pictures.
MAX_PIXELS = 1 << 20
# A finding has at most this chance, for one message, on a picture that does not carry it.
MAX_FALSE_ALARM = 1e-9


def _text_bits(text: str) -> tuple[int, ...]:
    return tuple(int(bit) for byte in text.encode("ascii") for bit in f"{byte:08b}")


def _number_bits(digits: str) -> tuple[int, ...]:
    # The scripts write bin(message)[2:], which drops leading zeros.
    return tuple(int(bit) for bit in digits.lstrip("0"))


@dataclass(frozen=True)
class Payload:
    """A message that is known to be embedded, and by whom."""

    name: str
    embedded_by: str
    bits: tuple[int, ...]


PAYLOADS = (
    Payload(
        "StableDiffusionV1",
        "the reference scripts of Stable Diffusion 1",
        _text_bits("StableDiffusionV1"),
    ),
    Payload("SDV2", "the reference scripts of Stable Diffusion 2", _text_bits("SDV2")),
    Payload(
        "SDXL",
        "Stability's SDXL scripts and the diffusers library",
        _number_bits("101100111110110010010000011110111011000110011110"),
    ),
    Payload(
        "FLUX",
        "Black Forest Labs' FLUX scripts",
        _number_bits("001010101111111010000111100111001111010100101110"),
    ),
)


@dataclass(frozen=True)
class Match:
    """How well a message fits.

    Args:
        payload: which message.
        correlation: of the mean votes of its positions with its bits, -1 to 1.
        chance: of such a fit or better on an unmarked picture, all alignments tried counted.
        cropped: True when it fits only at another width or offset than the picture's own.
        width_px: width of the picture that was marked, modulo `8 · len(bits)`.
    """

    payload: Payload
    correlation: float
    chance: float
    cropped: bool
    width_px: int


def read_watermark(picture: Picture) -> list[Finding]:
    """A known message in the invisible watermark, if there is one.

    Returns:
        One finding that points to GENERATED, or none. Never raises.
    """
    match = find_watermark(picture.rgb)
    if match is None:
        return []
    name, who = match.payload.name, match.payload.embedded_by
    crop = ", of a larger picture, of which this is a crop," if match.cropped else ""
    text = (
        f"The pixels carry the invisible watermark{crop} that {who} embed ({name};"
        f" chance of a false alarm {max(match.chance, 1e-30):.0e})."
    )
    modulo = BLOCK_PX * len(match.payload.bits)
    detail = {
        "payload": name,
        "num_bits": len(match.payload.bits),
        "correlation": round(match.correlation, 4),
        "chance": max(match.chance, 1e-30),
        "cropped": match.cropped,
        "marked_width_px_modulo": [match.width_px, modulo],
    }
    evidence = Evidence(kind="watermark", name="sd-watermark", finding=text, detail=detail)
    return [Finding(evidence=evidence, says=Says.GENERATED)]


def find_watermark(rgb: RGBArray) -> Match | None:
    """The best message that fits with a chance of at most `MAX_FALSE_ALARM`.

    Args:
        rgb: (height, width, 3) uint8, not resized since it was marked.
    """
    if rgb.shape[0] * rgb.shape[1] < MIN_PIXELS or min(rgb.shape[:2]) < BLOCK_PX:
        return None
    low = low_band(rgb)
    found = _best_match(block_votes(low))
    if found.chance > MAX_FALSE_ALARM:
        found = _best_match(block_votes(undo_chroma_upsampling(low)))
    return found if found.chance <= MAX_FALSE_ALARM else None


def _best_match(votes: FloatArray) -> Match:
    written = min((match_as_written(votes, payload) for payload in PAYLOADS), key=_chance)
    cropped = min((match_cropped(votes, payload) for payload in PAYLOADS), key=_chance)
    # A crop may fit a little as written, too; and as written is one of the searched alignments.
    crop_fits_better = cropped.correlation > written.correlation + 0.05
    return cropped if crop_fits_better or written.chance > MAX_FALSE_ALARM else written


def _chance(match: Match) -> float:
    return match.chance


# 0.492 (B − Y) with Y = 0.299 R + 0.587 G + 0.114 B; the 128 is added in the low band.
_U_OF_RGB = (0.492 * np.array([-0.299, -0.587, 0.886])).astype(np.float32)


def low_band(rgb: RGBArray) -> Float32Array:
    """Haar's LL of U: half the sum of each 2×2 pixels, all values positive.

    Args:
        rgb: (height, width, 3) uint8; of large pictures the first `MAX_PIXELS` are read.

    Returns:
        (4 · rows, 4 · columns) of the whole 8×8-pixel blocks.
    """
    rows, columns = rgb.shape[0] // BLOCK_PX, rgb.shape[1] // BLOCK_PX
    rows = max(1, min(rows, MAX_PIXELS // (columns * BLOCK_PX * BLOCK_PX)))
    inner = rgb[: rows * BLOCK_PX, : columns * BLOCK_PX]
    corners = (inner[y::2, x::2] for y in (0, 1) for x in (0, 1))
    sums = sum((corner.astype(np.uint16) for corner in corners), np.uint16(0))
    # U is linear, so the four pixels can be added first.
    u: Float32Array = np.einsum("hwc,c->hw", sums.astype(np.float32), _U_OF_RGB)
    return u * np.float32(0.5) + np.float32(256.0)


def undo_chroma_upsampling(low: Float32Array) -> Float32Array:
    """The low band as it was before a JPEG with half-size chroma was decoded.

    libjpeg's smooth ("fancy") upsampling leaves in the mean of each 2×2 pixels ¾ of its own chroma
    value and ⅛ of each neighbour, along both axes. That filter's inverse is a two-sided geometric
    series of ratio −(3 − 2√2), cut here after four terms (error below 0.1%).
    """
    for axis in (0, 1):
        pad = [(4, 4) if axis == other else (0, 0) for other in (0, 1)]
        padded, size = np.pad(low, pad, mode="edge"), low.shape[axis]
        shifted = (padded.take(np.arange(n, n + size), axis=axis) for n in range(9))
        low = np.sum([w * part for w, part in zip(_UNSMOOTH, shifted, strict=True)], axis=0)
    return low


_RATIO = -(3.0 - 2.0 * math.sqrt(2.0))
_UNSMOOTH = np.array([_RATIO ** abs(n) for n in range(-4, 5)], dtype=np.float32)
_UNSMOOTH /= _UNSMOOTH.sum()  # the filter keeps the mean, so its inverse does


def block_votes(low: Float32Array) -> FloatArray:
    """The vote of each 4×4 block of a low band: 1.0 or 0.0, (rows, columns)."""
    rows, columns = low.shape[0] // 4, low.shape[1] // 4
    blocks = low.reshape(rows, 4, columns, 4).transpose(0, 2, 1, 3).reshape(rows, columns, 16)
    votes: npt.NDArray[np.bool_] = blocks[..., 1:].max(-1) % STEP > STEP / 2
    return votes.astype(np.float64)


def match_as_written(votes: FloatArray, payload: Payload) -> Match:
    """Fit of a message from the first block on, rows as wide as the picture."""
    length = len(payload.bits)
    position = np.arange(votes.size) % length
    counts = np.bincount(position, minlength=length)
    means = np.bincount(position, weights=votes.ravel(), minlength=length) / np.maximum(counts, 1)
    width = votes.shape[1] % length * BLOCK_PX
    correlation = float(_correlations(means[None], payload)[0, 0])
    return Match(payload, correlation, _fisher(correlation, length), False, width)


def match_cropped(votes: FloatArray, payload: Payload) -> Match:
    """Best fit of a message over all row widths and offsets modulo its length.

    Block (i, j) of a crop carries bit (offset + i · stride + j) mod L, where stride is the number
    of blocks in a row of the picture that was marked.
    """
    length = len(payload.bits)
    sums, counts = _sums_by_stride(votes, length), _sums_by_stride(np.ones_like(votes), length)
    correlations = _correlations(sums / np.maximum(counts, 1.0), payload)
    stride, offset = np.unravel_index(int(correlations.argmax()), correlations.shape)
    best = float(correlations[stride, offset])
    chance = min(1.0, _fisher(best, length) * length * length)
    return Match(payload, best, chance, True, int(stride) * BLOCK_PX)


def _sums_by_stride(votes: FloatArray, length: int) -> FloatArray:
    """(stride, k) → sum of the votes of blocks (i, j) with (i · stride + j) mod L = k.

    A shift of row i by i · stride turns the phase of its spectrum at f by f · i · stride, so the
    spectrum of the sum is one entry a frequency of the two-dimensional transform of the votes,
    folded to L × L: at row f · stride mod L.
    """
    folded = _fold(_fold(votes, length).T, length).T
    f, stride = np.arange(length // 2 + 1)[None, :], np.arange(length)[:, None]
    spectrum = np.fft.fft2(folded)[f * stride % length, f]
    sums: FloatArray = np.rint(np.fft.irfft(spectrum, length, axis=1))
    return sums


def _fold(rows: FloatArray, length: int) -> FloatArray:
    """Sum the rows whose numbers are equal modulo `length`: (length, columns)."""
    padded = np.pad(rows, ((0, -len(rows) % length), (0, 0)))
    folded: FloatArray = padded.reshape(-1, length, rows.shape[1]).sum(0)
    return folded


def _correlations(means: FloatArray, payload: Payload) -> FloatArray:
    """Pearson's r of mean votes (n, L) with the message at every offset: (n, L).

    Votes without any spread correlate with nothing: 0.
    """
    bits = np.array(payload.bits, dtype=np.float64)
    bits = (bits - bits.mean()) / bits.std()
    centred = means - means.mean(1, keepdims=True)
    spread = np.maximum(centred.std(1, keepdims=True), 1e-9)
    spectrum = np.fft.rfft(centred, axis=1) * np.conj(np.fft.rfft(bits))
    correlations: FloatArray = np.fft.irfft(spectrum, len(bits), axis=1) / len(bits) / spread
    return correlations


def _fisher(correlation: float, length: int) -> float:
    """One-sided chance of a correlation over `length` independent positions (Fisher's z)."""
    z = math.atanh(min(max(correlation, -0.999999), 0.999999)) * math.sqrt(length - 3)
    return 0.5 * math.erfc(z / math.sqrt(2.0))


def embed_watermark(rgb: RGBArray, bits: tuple[int, ...]) -> RGBArray:
    """Mark a picture as the official encoder does, 8-bit rounding included.

    Args:
        rgb: (height, width, 3) uint8 of at least 256·256 pixels.
        bits: the message, zeros and ones.

    Returns:
        A marked copy; rows and columns past the last whole block are unchanged.
    """
    rows, columns = rgb.shape[0] // BLOCK_PX, rgb.shape[1] // BLOCK_PX
    inner = rgb[: rows * BLOCK_PX, : columns * BLOCK_PX].astype(np.float64)
    luma = np.rint(inner @ [0.299, 0.587, 0.114])
    u = np.clip(np.rint(0.492 * (inner[..., 2] - luma) + 128.0), 0, 255)
    v = np.clip(np.rint(0.877 * (inner[..., 0] - luma) + 128.0), 0, 255)
    u = np.clip(np.trunc(u + _low_band_change(u, bits)), 0, 255)
    red = luma + 1.140 * (v - 128.0)
    green = luma - 0.395 * (u - 128.0) - 0.581 * (v - 128.0)
    blue = luma + 2.032 * (u - 128.0)
    marked = rgb.copy()
    channels = np.clip(np.rint(np.stack([red, green, blue], axis=-1)), 0, 255)
    marked[: rows * BLOCK_PX, : columns * BLOCK_PX] = channels.astype(np.uint8)
    return marked


def _low_band_change(u: FloatArray, bits: tuple[int, ...]) -> FloatArray:
    """What the message adds to U: half of each change of the low band on its 2×2 pixels."""
    low = (u[::2, ::2] + u[1::2, ::2] + u[::2, 1::2] + u[1::2, 1::2]) / 2.0
    rows, columns = low.shape[0] // 4, low.shape[1] // 4
    blocks = low.reshape(rows, 4, columns, 4).transpose(0, 2, 1, 3).reshape(rows * columns, 16)
    largest = blocks[:, 1:].argmax(-1) + 1
    number = np.arange(rows * columns)
    value = blocks[number, largest]
    bit = np.array(bits, dtype=np.float64)[number % len(bits)]
    change = np.zeros_like(blocks)
    change[number, largest] = (value // STEP + 0.25 + 0.5 * bit) * STEP - value
    grid = change.reshape(rows, columns, 4, 4).transpose(0, 2, 1, 3).reshape(low.shape)
    return np.repeat(np.repeat(grid / 2.0, 2, axis=0), 2, axis=1)
