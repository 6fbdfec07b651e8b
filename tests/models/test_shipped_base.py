"""The nano base that ships: small, loadable, and it has learnt to find things."""

import numpy as np
import pytest
import torch
from PIL import Image

from groundsight.demo.photos import find_photos
from groundsight.models.encoding import ExchangeCoder
from groundsight.models.load import LoadedModel, load_model
from groundsight.models.shipped import FAMILY, shipped_base
from groundsight.replies.place import place
from groundsight.replies.reply import parse_reply
from groundsight.synth.stickers import stick
from groundsight.vision.boxes import PX, Boxes, pairwise_iou
from groundsight.vision.frames import PictureSize
from groundsight.vision.images import RGBArray


@pytest.fixture(scope="module")
def loaded() -> LoadedModel:
    folder = shipped_base()
    assert folder is not None, "the package ships it"
    return load_model(str(folder), device="cpu")


def test_it_is_small_and_says_what_it_is(loaded: LoadedModel) -> None:
    folder = shipped_base()
    assert folder is not None
    assert sum(file.stat().st_size for file in folder.iterdir()) < 25e6
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert "no detector of AI-generated pictures" in card
    assert loaded.family.name == FAMILY
    assert all(bool(torch.isfinite(p).all()) for p in loaded.model.parameters())


def answer(loaded: LoadedModel, rgb: RGBArray, asked: str) -> str:
    """A greedy reply."""
    parts = [{"type": "image"}, {"type": "text", "text": asked}]
    coder = ExchangeCoder(loaded.processor)
    exchange = coder.encode([{"role": "user", "content": parts}], [rgb], "")
    made = {name: values[None, : exchange.num_prompt] for name, values in exchange.tokens.items()}
    made |= exchange.pictures
    with torch.no_grad():
        out = loaded.model.generate(**made, max_new_tokens=24, do_sample=False)
    said: str = loaded.processor.tokenizer.decode(
        out[0, exchange.num_prompt :], skip_special_tokens=True
    )
    return said


def test_it_finds_shapes_on_photographs_that_it_never_saw(loaded: LoadedModel) -> None:
    grounds = [path for path in find_photos() if path.name in ("coffee.png", "china.jpg")]
    size, rng, ious = PictureSize(128, 128), np.random.default_rng(0), []
    for path in grounds * 4:
        ground = np.asarray(Image.open(path).convert("RGB").resize(size))
        rgb, [(name, true)] = stick(ground, rng, most=1)
        said = answer(loaded, rgb, f"Where is the {name}?")
        placed = place(parse_reply(said).regions, [size], loaded.dialect).regions
        told = [region.xyxy_px for region in placed[:1]] or [(0.0, 0.0, 1.0, 1.0)]
        ious.append(
            float(pairwise_iou(Boxes(np.array(told), PX), Boxes(np.array([true]), PX))[0, 0])
        )
    assert np.mean(ious) > 0.25
