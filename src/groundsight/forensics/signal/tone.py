"""Tone and colour: contrast, saturation and clipping of the whole window."""

import numpy as np

from groundsight.forensics.signal.planes import Planes, Vector, correlation, quantiles

STRIDE = 2  # tone is smooth: every fourth pixel tells it


def tone_statistics(planes: Planes) -> Vector:
    """Means, spreads and quantiles of luma, chroma and saturation.

    Args:
        planes: one window.

    Returns:
        (36,) in grey values, except saturation and shares, which are 0 to 1.
    """
    parts: list[Vector] = []
    sub = [channel[::STRIDE, ::STRIDE] for channel in planes.channels]
    for channel in sub:
        parts.append(np.array([channel.mean(), channel.std()], dtype=np.float32))
        parts.append(quantiles(channel, (0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99)))
    rgb = planes.rgb[::STRIDE, ::STRIDE].astype(np.float32)
    high, low = rgb.max(axis=2), rgb.min(axis=2)
    saturation = (high - low) / (high + 1)
    parts.append(quantiles(saturation, (0.1, 0.25, 0.5, 0.75, 0.9)))
    rest = [
        saturation.mean(),
        (high >= 254).mean(),
        (low <= 1).mean(),
        correlation(sub[1], sub[2]),
    ]
    return np.concatenate([*parts, np.array(rest, dtype=np.float32)])
