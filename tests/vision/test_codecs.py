import io

import numpy as np
import pytest
from PIL import Image

from groundsight.vision.codecs import FORMATS, Codec, Format, encode, recode
from groundsight.vision.images import decode_picture

RGB = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)


@pytest.mark.parametrize("format", FORMATS)
def test_a_file_is_of_its_format_and_holds_pixels_alone(format: Format) -> None:
    quality = None if format == "png" else 80
    data = encode(RGB, Codec(format=format, quality=quality))
    picture = decode_picture(data)
    assert picture.format == format
    assert picture.rgb.shape == RGB.shape
    assert (picture.rgb == RGB).all() == (format == "png")
    with Image.open(io.BytesIO(data)) as image:
        assert set(image.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density", "loop"} | {
            "background",
            "timestamp",
            "duration",
        }
        assert len(image.getexif()) == 0


def test_an_array_and_an_image_are_written_alike() -> None:
    for codec in (Codec(format="jpeg", quality=70), Codec(format="png")):
        assert encode(RGB, codec) == encode(Image.fromarray(RGB), codec)


def test_chroma_subsampling_is_as_asked() -> None:
    red_and_blue = np.zeros((64, 64, 3), dtype=np.uint8)
    red_and_blue[:, ::2, 0] = red_and_blue[:, 1::2, 2] = 255
    image = Image.fromarray(red_and_blue)
    full, halved, usual = (
        np.asarray(recode(image, Codec(format="jpeg", quality=95, subsampling=chroma)))
        for chroma in ("4:4:4", "4:2:0", None)
    )
    assert np.abs(full[..., 0].astype(int) - red_and_blue[..., 0]).mean() < 20
    assert np.abs(halved[..., 0].astype(int) - red_and_blue[..., 0]).mean() > 80
    assert (usual == halved).all()


def test_what_a_reader_sees_is_what_recoding_gives() -> None:
    codec = Codec(format="jpeg", quality=60, subsampling="4:2:0")
    seen = recode(Image.fromarray(RGB), codec)
    assert (np.asarray(seen) == decode_picture(encode(RGB, codec)).rgb).all()
    assert recode(Image.fromarray(RGB), Codec(format="png")).mode == "RGB"


def test_records_and_suffixes() -> None:
    codec = Codec(format="jpeg", quality=85, subsampling="4:2:0")
    assert codec.as_record() == {"format": "jpeg", "quality": 85, "subsampling": "4:2:0"}
    assert [Codec(format=one).suffix for one in FORMATS] == [".jpg", ".png", ".webp"]
