"""The README.md beside a pretrained nano base: what it is, what it saw, what it is not."""

from collections.abc import Sequence

from groundsight.synth.edits import EDITS
from groundsight.train.pretrain.settings import PretrainSettings

_CARD = """\
# groundsight nano base

A teaching model: Qwen3-VL's architecture with {parameters:,} parameters, pretrained on a CPU in a \
couple of hours. `groundsight demo` starts from it, so that supervised fine-tuning and GRPO have \
something to build on, as they have in the papers. **It is no detector of AI-generated pictures** \
and says nothing about them: what it has learnt to see are a few crude edits on small photographs.

## What it saw
- Crops of {photos} photographs at {size} × {size} pixels, {pictures:,} pictures in all, made on \
the fly: coloured shapes stuck on, and local edits of `groundsight.synth` ({edits}) with exact \
boxes; each picture {views} times, mirrored and turned anew. The photographs are not in this \
folder.
- Stage 1, {dense_steps:,} steps of {batch}: tower and projector on dense labels (what lies at \
each patch and visual token, and where its box ends). The heads are thrown away.
- Stage 2, {text_steps:,} steps of {batch}: all weights, on short questions ("Where is the red \
circle?", "What was added or changed here, and where?", "What differs between the pictures?") with \
short answers, boxes from 0 to 1000 as Qwen3-VL writes them; the dense labels go on.
- It never saw a verdict, a report, a task's instructions, or a multi-image answer in its task's \
words: those are what fine-tuning teaches.

## What it sees
It has met {bold} twice as often as {harder}. It \
sees pictures of {size} × {size} pixels; larger ones are shrunk to that area. docs/nano.md has \
the figures.

## How it was made
`python scripts/pretrain_nano.py PHOTOS --out FOLDER --processes 2`, seed {seed}. Weights are \
float16; tokenizer and processor are the nano model's own. Licence as the package's.
"""


def write_card(
    settings: PretrainSettings, *, num_parameters: int, num_photos: int, bold: Sequence[str]
) -> str:
    """The card's Markdown.

    Args:
        settings: of the pretraining.
        num_parameters: of the model.
        num_photos: it was pretrained on.
        bold: operators that stand twice in `settings.edits`.
    """
    tags = [EDITS[name].tag for name in dict.fromkeys(settings.edits)]
    known = [EDITS[name].tag for name in bold]
    steps = settings.dense_steps + settings.text_steps
    return _CARD.format(
        parameters=num_parameters,
        photos=num_photos,
        size=settings.size_px,
        pictures=steps * settings.batch_size // settings.views,
        edits=", ".join(tags),
        views=settings.views,
        dense_steps=settings.dense_steps,
        text_steps=settings.text_steps,
        batch=settings.batch_size,
        bold=", ".join(known),
        harder=", ".join(tag for tag in tags if tag not in known),
        seed=settings.seed,
    )
