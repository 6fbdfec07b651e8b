"""Sentences of the rules teacher: several phrasings each, filled with what was measured.

Figures come from the picture at reduced size and are rounded; nothing is said that was neither
measured nor known.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from groundsight.core.seeds import pick
from groundsight.core.types import XYXY, Verdict
from groundsight.vision.frames import PictureSize
from groundsight.vision.images import Picture, RGBArray

_MAX_SIDE = 256


@dataclass(frozen=True)
class Figures:
    """What is measured of one picture, on luma and colour in 0 to 100.

    Args:
        brightness: mean luma.
        contrast: standard deviation of luma.
        colour: mean distance of the channels from grey.
        detail: mean step between neighbouring pixels.
        left: mean luma of the left half less that of the right half.
        top: mean luma of the upper half less that of the lower half.
    """

    brightness: int
    contrast: int
    colour: int
    detail: int
    left: int
    top: int


def measure(rgb: RGBArray) -> Figures:
    """The figures of a picture, (height, width, 3) uint8."""
    step = max(1, max(rgb.shape[:2]) // _MAX_SIDE)
    small = rgb[::step, ::step].astype(np.float32) / 2.55
    luma = small @ np.array([0.299, 0.587, 0.114], dtype=np.float32)
    high, wide = luma.shape
    upper, lower = luma[: (high + 1) // 2], luma[high // 2 :]
    left, right = luma[:, : (wide + 1) // 2], luma[:, wide // 2 :]
    steps = [np.abs(np.diff(luma, axis=axis)).ravel() for axis in (0, 1)]
    moves = np.concatenate(steps)
    return Figures(
        brightness=round(float(luma.mean())),
        contrast=round(float(luma.std())),
        colour=round(float(np.abs(small - luma[..., None]).mean())),
        detail=round(float(moves.mean())) if moves.size else 0,
        left=round(float(left.mean() - right.mean())),
        top=round(float(upper.mean() - lower.mean())),
    )


def place_words(xyxy_px: XYXY, size: PictureSize) -> str:
    """Where a box lies, in words: "the upper left, 20% of the width and 30% of the height"."""
    x0, y0, x1, y1 = xyxy_px
    across = ("left", "middle", "right")[min(2, int(1.5 * (x0 + x1) / size.width))]
    down = ("upper", "middle", "lower")[min(2, int(1.5 * (y0 + y1) / size.height))]
    where = "middle" if across == down == "middle" else f"{down} {across}"
    wide, high = (x1 - x0) / size.width, (y1 - y0) / size.height
    return f"the {where}, over {wide:.0%} of the width and {high:.0%} of the height"


def join_words(words: Sequence[str]) -> str:
    """Words as a list in a sentence: "a, b and c"."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


class Phrases:
    """Sentences about the pictures of one lesson, drawn by a generator of its own.

    Args:
        rng: draws the phrasings.
        pictures: of the lesson.
    """

    def __init__(self, rng: np.random.Generator, pictures: Sequence[Picture]) -> None:
        self._rng = rng
        self._all = [measure(picture.rgb) for picture in pictures]
        self._sizes = [(picture.width, picture.height) for picture in pictures]

    def quick_scan(self) -> str:
        """The first impression."""
        figures = self._all[0]
        tone = _band(figures.brightness, (35, 65), ("dark", "of middling brightness", "bright"))
        colours = _band(figures.colour, (4, 12), ("almost grey", "of muted colour", "colourful"))
        contrast = _band(figures.contrast, (12, 24), ("low", "moderate", "strong"))
        wide, high = self._sizes[0]
        return self._say(
            f"At first sight the picture is {tone} and {colours}, with {contrast} contrast.",
            f"The whole, {wide} by {high} pixels, looks {tone}; it is {colours} and its contrast "
            f"is {contrast}.",
            f"A quick look shows a picture that is {tone}, {colours}, and of {contrast} contrast.",
            f"My first impression: {contrast} contrast, a picture that is {colours} and {tone}.",
        )

    def opening(self) -> str:
        """How the closer look begins."""
        return self._say(
            "I now go over it piece by piece, from the upper left to the lower right.",
            "Next I compare surfaces, outlines and light in every part of it.",
            "I look closer: which parts belong together, and which stand out?",
            "To be sure, I check each part against its surroundings.",
            "Then I follow the outlines and see whether the light agrees with them.",
        )

    def field(self, name: str) -> str:
        """One sentence on an aspect: of steps 2 and 3."""
        figures = self._all[0]
        value, low, high = self._aspects(figures)[name]
        return self._say(*(form.format(value=value, low=low, high=high) for form in _FORMS[name]))

    def tools(self, experts: Mapping[str, float]) -> str:
        """What the three detectors say."""
        semantic, frequency, dual = (experts[key] for key in experts)
        return self._say(
            f"The semantic detector would stand at {semantic:.2f}, the frequency one at "
            f"{frequency:.2f}, the dual-stream one at {dual:.2f}.",
            f"For content I put the probability at {semantic:.2f}, for pixel traces at "
            f"{frequency:.2f}, for both together at {dual:.2f}.",
            f"Detectors: {semantic:.2f} by meaning, {frequency:.2f} by frequency, {dual:.2f} by "
            "both.",
        )

    def reason(self, verdict: Verdict, signs: Sequence[str]) -> str:
        """The conclusion."""
        if verdict is Verdict.AI_GENERATED and signs:
            listed = join_words(list(dict.fromkeys(signs))[:4])
            return self._say(
                f"What decides it is this: {listed}. A camera would not have recorded that.",
                f"I find {listed}; together they point to generation.",
                f"The picture does not hold together: {listed}.",
            )
        if verdict is Verdict.AI_GENERATED:
            return self._say(
                "Weighing all five steps, the picture looks generated rather than photographed.",
                "Taken together, what I saw fits a generator better than a camera.",
                "No single step decides it, but their sum points to generation.",
            )
        return self._say(
            "Light, texture and outlines agree with each other, as in a photograph.",
            "Nothing stands out from its surroundings; the picture fits a camera.",
            "All steps agree: this reads as a recording of a real scene.",
        )

    def points_at(self, caption: str, where: str) -> str:
        """A region of the picture."""
        return self._say(
            f"In {where}, something does not fit: {caption}.",
            f"{_capital(caption)}: I see it in {where}.",
            f"My eye stops at {where}. There I find this: {caption}.",
            f"Unlike what lies around it, {where}, shows {caption}.",
        )

    def unnamed(self) -> str:
        """A caption for a region that has none."""
        return self._say("does not fit its surroundings", "unlike the rest of the picture")

    def marks(self, count: int) -> str:
        """How the regions are announced."""
        what = "this region" if count == 1 else f"these {count} regions"
        return self._say(
            f"I mark {what} and conclude that the picture is not a plain photograph.",
            f"So {what} gives it away:" if count == 1 else f"So {what} give it away:",
            f"I point at {what} as what speaks against the picture.",
        )

    def finds_nothing(self) -> str:
        """No region gives the picture away."""
        return self._say(
            "Every part agrees with its surroundings, so there is no region to mark.",
            "I find no place that breaks with the rest, and mark none.",
            "Nothing stands out from what lies around it; no region speaks against the picture.",
            "All of it holds together, and I have nothing to point at.",
        )

    def task_line(self, question: str | None, num_pictures: int) -> str:
        """What is looked for."""
        if question is None:
            return self._say(
                f"The instruction refers to a place in one of the {num_pictures} pictures.",
                f"I follow the instruction through all {num_pictures} pictures.",
            )
        return self._say(
            f"The instruction is: {question} I go through all {num_pictures} pictures.",
            f"I am to do this across {num_pictures} pictures: {question}",
            f"What is asked is: {question} I compare the {num_pictures} pictures.",
        )

    def picture_lines(self) -> list[str]:
        """A few words on each picture."""
        return [self._picture_line(number) for number in range(1, len(self._all) + 1)][:6]

    def lies_in(self, number: int, where: str, caption: str) -> str:
        """Where the answer lies."""
        what = f"{caption}, which" if caption else "what"
        return self._say(
            f"In image {number} I find {what} is meant: it lies in {where}.",
            f"Image {number} has it: {caption or 'the region'} lies in {where}.",
            f"It must be in image {number}, in {where}.",
        )

    def shows_none(self) -> str:
        """No picture has what is asked for."""
        return self._say(
            "None of the pictures shows what is asked for.",
            "I find it in no picture, so there is nothing to mark.",
        )

    def _picture_line(self, number: int) -> str:
        figures = self._all[number - 1]
        tone = _band(figures.brightness, (35, 65), ("dark", "of middling brightness", "bright"))
        return self._say(
            f"Image {number} is {tone}, with a contrast of {figures.contrast} in a hundred.",
            f"Image {number}: brightness {figures.brightness} in a hundred, contrast "
            f"{figures.contrast}.",
            f"Image {number} looks {tone}.",
        )

    def _aspects(self, figures: Figures) -> dict[str, tuple[int | str, str, str]]:
        """By aspect: the figure, and two words on it."""
        detail = _band(figures.detail, (2, 6), ("smooth", "moderately fine", "rich"))
        light = "left" if figures.left > 0 else "right"
        height = "upper" if figures.top > 0 else "lower"
        tone = _band(figures.brightness, (35, 65), ("dim", "medium", "strong"))
        wide, high = self._sizes[0]
        shape = "square" if wide == high else "wide" if wide > high else "tall"
        colour = _band(figures.colour, (4, 12), ("nearly grey", "muted", "vivid"))
        return {
            "texture": (figures.detail, detail, tone),
            "lighting": (abs(figures.left), light, tone),
            "shadows": (abs(figures.top), height, tone),
            "reflections": (figures.brightness, tone, light),
            "edges": (figures.detail, detail, tone),
            "blending": (figures.contrast, colour, detail),
            "structure": (f"{wide} by {high}", shape, detail),
            "surfaces": (figures.colour, colour, detail),
            "outlines": (figures.contrast, detail, tone),
            "context": (figures.colour, colour, shape),
        }

    def _say(self, *forms: str) -> str:
        return pick(self._rng, forms)


_FORMS: dict[str, tuple[str, ...]] = {
    "texture": (
        "The texture is {low}: neighbouring pixels differ by {value} in a hundred on average.",
        "Fine texture is {low}, with steps of about {value} in a hundred from pixel to pixel.",
        "I see {low} texture; its mean step is {value} in a hundred.",
    ),
    "lighting": (
        "The {low} half is the brighter one, by {value} in a hundred.",
        "Light is {high} and leans to the {low}, by {value} in a hundred.",
        "The lighting is {high}; between the halves I see a difference of {value}, for the {low}.",
    ),
    "shadows": (
        "The {low} half is lighter by {value} in a hundred, so the shadows lie opposite.",
        "Shadow and light differ by {value} in a hundred between above and below.",
        "Shading follows the {low} half, which is {value} in a hundred lighter.",
    ),
    "reflections": (
        "The mean brightness of {value} in a hundred leaves room for {low} highlights only.",
        "Highlights are {low}, at a mean brightness of {value} in a hundred.",
        "I see {low} reflections, brightest towards the {high}.",
    ),
    "edges": (
        "Edges are {low}, with a mean step of {value} in a hundred.",
        "Seen closely, the borders of things are {low}; they step by {value} on average.",
        "The edges look {low} in {high} light.",
    ),
    "blending": (
        "Parts pass into each other over a contrast of {value} in a hundred; colours are {low}.",
        "Transitions are {high}, in {low} colours, within a contrast of {value}.",
        "Where parts meet, {low} colours change within a contrast of {value} in a hundred.",
    ),
    "structure": (
        "The frame is {low}, {value} pixels, and its parts are laid out within it.",
        "On {value} pixels the layout is {low} and the detail {high}.",
        "I check the layout of a {low} frame of {value} pixels.",
    ),
    "surfaces": (
        "Surfaces are {low}, {value} in a hundred away from grey, and {high} in detail.",
        "The surfaces show {low} colour and {high} grain.",
        "Across surfaces the colour stays {low}, {value} in a hundred from grey.",
    ),
    "outlines": (
        "Outlines are {low}, against a contrast of {value} in a hundred.",
        "I follow the outlines: they are {low} throughout, in {high} light.",
        "Borders stand out by a contrast of {value} in a hundred and are {low}.",
    ),
    "context": (
        "The scene is held in {low} colours, in a {high} frame.",
        "Taken as a scene, it is {low} in colour, {value} in a hundred from grey.",
        "The surroundings fit a {high} frame in {low} colours.",
    ),
}


def _band(value: int, borders: tuple[int, int], words: tuple[str, str, str]) -> str:
    return words[(value >= borders[0]) + (value >= borders[1])]


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
