import csv
import io
import json
import struct
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from groundsight.forensics.finding import Finding, Says
from groundsight.forensics.metadata import read_metadata
from groundsight.forensics.metadata.containers import MAX_BLOCK_BYTES, read_blocks
from groundsight.forensics.metadata.settings import MAX_EXCERPT_CHARS
from groundsight.vision.images import Picture

SHARED = Path(__file__).parents[3] / "shared/images"
needs_shared = pytest.mark.skipif(not SHARED.exists(), reason="needs shared/images")
SETTINGS = "Steps: 20, Sampler: Euler a, CFG scale: 7.5, Seed: 42, Size: 512x512, Model: v1-5"
UUID = "6c3a1f0e-1234-4abc-8def-0123456789ab"


def findings(data: bytes) -> list[Finding]:
    rgb = np.zeros((1, 1, 3), np.uint8)
    return read_metadata(Picture(path="p", data=data, rgb=rgb, format="any"))


def picture() -> Image.Image:
    return Image.new("RGB", (8, 8), (90, 120, 30))


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", len(body), kind) + body + struct.pack(">I", zlib.crc32(kind + body))


def png(*chunks: bytes) -> bytes:
    """A valid PNG with chunks put in after its header."""
    file = io.BytesIO()
    picture().save(file, "PNG")
    data = file.getvalue()
    return data[:33] + b"".join(chunks) + data[33:]


def png_text(key: str, text: str) -> bytes:
    return png(chunk(b"tEXt", key.encode("latin-1") + b"\0" + text.encode("utf-8")))


def exif(**tags: str | float | bytes) -> Image.Exif:
    names = {"Make": 0x010F, "Model": 0x0110, "Software": 0x0131, "Description": 0x010E}
    inner = {"UserComment": 0x9286, "Exposure": 0x829A, "FNumber": 0x829D, "MakerNote": 0x927C}
    block = Image.Exif()
    for name, value in tags.items():
        if name in names:
            block[names[name]] = value
        else:
            block.get_ifd(0x8769)[inner[name]] = value
    return block


def jpeg(block: Image.Exif | None = None, *, comment: bytes = b"", xmp: bytes = b"") -> bytes:
    file = io.BytesIO()
    picture().save(
        file, "JPEG", exif=Image.Exif() if block is None else block, comment=comment, xmp=xmp
    )
    return file.getvalue()


def webp(block: Image.Exif) -> bytes:
    file = io.BytesIO()
    picture().save(file, "WEBP", exif=block)
    return file.getvalue()


def packet(inside: str) -> bytes:
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
        'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description>'
        f"{inside}</rdf:Description></rdf:RDF></x:xmpmeta>"
    ).encode()


def unicode_comment(text: str) -> bytes:
    return b"UNICODE\0" + text.encode("utf-16-be")


COMFY = json.dumps(
    {
        "3": {"class_type": "KSampler", "inputs": {"seed": 7, "steps": 4, "cfg": 1.5}},
        "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "turbo.st"}},
        "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "a red barn", "clip": ["4", 1]}},
    }
)
MARKED = [
    (png_text("parameters", f"a cat\nNegative prompt: dog\n{SETTINGS}"), "Stable Diffusion web UI"),
    (png_text("parameters", f"cat\n{SETTINGS}, Version: v1.9.4"), "Stable Diffusion web UI"),
    (png_text("parameters", f"{SETTINGS}, Version: stable-diffusion.cpp"), "stable-diffusion.cpp"),
    (jpeg(exif(UserComment=unicode_comment(f"cat\n{SETTINGS}"))), "Stable Diffusion web UI"),
    (webp(exif(UserComment=unicode_comment(f"c\n{SETTINGS}, App: SD.Next"))), "SD.Next"),
    (png_text("parameters", f"c\n{SETTINGS}, Version: Fooocus v2.5.0"), "Fooocus"),
    (png_text("parameters", '{"prompt": "x", "metadata_scheme": "fooocus"}'), "Fooocus"),
    (png_text("parameters", '{"sui_image_params": {"prompt": "x", "seed": 3}}'), "SwarmUI"),
    (png_text("prompt", COMFY), "ComfyUI"),
    (webp(exif(Make="workflow:{}", Model=f"prompt:{COMFY}")), "ComfyUI"),
    (png_text("workflow", '{"last_node_id": 9, "nodes": []}'), "ComfyUI"),
    (png_text("invokeai_metadata", '{"positive_prompt": "x", "seed": 1}'), "InvokeAI"),
    (png_text("sd-metadata", '{"model_weights": "stable-diffusion-1.4"}'), "InvokeAI"),
    (png_text("Dream", '"a cat" -s 50 -S 123 -W 512'), "InvokeAI"),
    (png_text("Software", "NovelAI"), "NovelAI"),
    (png_text("Comment", '{"request_type": "PromptGenerateRequest", "uc": "bad"}'), "NovelAI"),
    (png_text("Description", f"a castle --v 6.1 Job ID: {UUID}"), "Midjourney"),
    (png(chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + packet(
        "<xmp:CreatorTool>Draw Things</xmp:CreatorTool>"))), "Draw Things"),
    (jpeg(exif(Software="Adobe Firefly")), "Adobe Firefly"),
    (jpeg(exif(Software="stability.ai", Model="stability-diffusion")), "Stability AI"),
    (jpeg(exif(Make="Black Forest Labs", Model="flux-dev")), "FLUX (Black Forest Labs)"),
    (jpeg(exif(Software="AI generated;txt2img;flux")), "FLUX (Black Forest Labs)"),
    (jpeg(xmp=packet("<photoshop:Credit>Made with Google AI</photoshop:Credit>")), "Google AI"),
    (jpeg(xmp=packet("<xmp:CreatorTool>DALL·E 3</xmp:CreatorTool>")), "OpenAI"),
    (jpeg(comment=b"Midjourney"), "Midjourney"),
    (jpeg(xmp=packet("<dc:rights>AI Generated Content</dc:rights>")), "an unnamed generator"),
    (png_text("AIGC", '{"Label": "1", "ContentProducer": "0001"}'), "China's AIGC label"),
    (png_text("use_stable_diffusion_model", "sd-v1-4"), "Easy Diffusion"),
]  # fmt: skip


@pytest.mark.parametrize(("data", "generator"), MARKED)
def test_each_generator_is_known_by_its_mark(data: bytes, generator: str) -> None:
    (finding,) = findings(data)
    assert finding.says is Says.GENERATED
    assert not finding.signed
    assert generator in finding.evidence.detail["generator"]
    assert generator in finding.evidence.finding
    assert "claim" in finding.evidence.finding


@pytest.mark.parametrize(
    "data",
    [
        png_text("prompt", "What do you see?"),  # a quiz, no graph
        png_text("prompt", '{"question": "inputs", "nodes": 3}'),
        png_text("parameters", "gamma=2.2, Steps taken: 4"),
        png_text("workflow", "scan, crop, print"),
        png_text("Software", "Adobe Photoshop 25.1"),
        png_text("Title", "Interview about Midjourney and DALL-E"),
        png_text("Comment", '{"steps": 4, "seed": 3}'),
        png_text("Description", "Next Steps: 1, buy paint"),
        jpeg(exif(Software="GIMP 2.10")),
        jpeg(comment=b"CREATOR: gd-jpeg v1.0 (using IJG JPEG v62), quality = 85"),
        jpeg(xmp=packet("<dc:rights>This is not AI generated</dc:rights>")),
        jpeg(xmp=packet("<dc:creator>made with Ai Weiwei</dc:creator>")),
        jpeg(),
        png(),
    ],
)
def test_other_programs_and_talk_of_generators_are_no_marks(data: bytes) -> None:
    assert findings(data) == []


def test_settings_of_the_web_ui_family() -> None:
    (finding,) = findings(png_text("parameters", f"a cat\nNegative prompt: dog\n{SETTINGS}"))
    assert finding.evidence.detail == {
        "generator": "Stable Diffusion web UI or kin",
        "fields": ["text:parameters"],
        "prompt": "a cat",
        "negative_prompt": "dog",
        "steps": 20,
        "sampler": "Euler a",
        "cfg_scale": 7.5,
        "seed": 42,
        "model": "v1-5",
    }


def test_settings_of_a_comfyui_graph() -> None:
    (finding,) = findings(png_text("prompt", COMFY))
    detail = finding.evidence.detail
    expected = {
        "seed": 7,
        "steps": 4,
        "cfg_scale": 1.5,
        "model": "turbo.st",
        "prompt": "a red barn",
    }
    assert {name: detail[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (b"zTXt", b"parameters\0\0" + zlib.compress(f"c\n{SETTINGS}".encode())),
        (b"iTXt", b"parameters\0\0\0\0\0" + f"c\n{SETTINGS}".encode()),
        (b"iTXt", b"parameters\0\1\0en\0p\0" + zlib.compress(f"c\n{SETTINGS}".encode())),
        (b"eXIf", exif(Software="stability.ai").tobytes()[6:]),
    ],
)
def test_every_kind_of_png_chunk(kind: bytes, body: bytes) -> None:
    (finding,) = findings(png(chunk(kind, body)))
    assert finding.says is Says.GENERATED


def test_imagemagick_profiles_gif_comments_tiff_and_avif() -> None:
    raw = b"Exif\0\0" + exif(Software="stability.ai").tobytes()[6:]
    text = f"\nexif\n{len(raw):8}\n{raw.hex()}\n".encode()
    profile = png(chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(text)))
    file = io.BytesIO()
    picture().save(file, "GIF", comment=b"Midjourney")
    tiff = io.BytesIO()
    picture().save(tiff, "TIFF", software="stability.ai")
    avif = io.BytesIO()
    picture().save(avif, "AVIF", exif=exif(Software="stability.ai"))
    for data in (profile, file.getvalue(), tiff.getvalue(), avif.getvalue()):
        (finding,) = findings(data)
        assert finding.says is Says.GENERATED


def test_iptc_credit_in_photoshop_resources() -> None:
    credit = b"Made with Google AI"
    record = b"\x1c\x02\x6e" + struct.pack(">H", len(credit)) + credit
    resource = b"8BIM\x04\x04\0\0" + struct.pack(">I", len(record)) + record
    body = b"Photoshop 3.0\0" + b"8BIM\x03\xed\0\0\0\0\0\x02ab" + resource
    plain = jpeg()
    data = plain[:2] + b"\xff\xed" + struct.pack(">H", len(body) + 2) + body + plain[2:]
    (finding,) = findings(data)
    assert finding.evidence.detail["fields"] == ["iptc:Credit"]


SOURCE = "<Iptc4xmpExt:DigitalSourceType>{}</Iptc4xmpExt:DigitalSourceType>"
VOCABULARY = "http://cv.iptc.org/newscodes/digitalsourcetype/"


@pytest.mark.parametrize(
    ("inside", "name", "says"),
    [
        (SOURCE.format(VOCABULARY + "trainedAlgorithmicMedia"),
         "trainedAlgorithmicMedia", Says.GENERATED),
        (SOURCE.format("TrainedAlgorithmicMedia"), "trainedAlgorithmicMedia", Says.GENERATED),
        (f'<e:DigitalSourceType rdf:resource="{VOCABULARY}compositeWithTrainedAlgorithmicMedia"/>',
         "compositeWithTrainedAlgorithmicMedia", Says.GENERATED),
        (SOURCE.format(VOCABULARY + "algorithmicMedia"), "algorithmicMedia", Says.NOTHING),
        (SOURCE.format(VOCABULARY + "digitalCapture"), "digitalCapture", Says.CAMERA),
    ],
)  # fmt: skip
def test_digital_source_types(inside: str, name: str, says: Says) -> None:
    (finding,) = findings(jpeg(xmp=packet(inside)))
    assert finding.evidence.name == "digital-source-type"
    assert finding.evidence.detail["digital_source_type"] == name
    assert finding.says is says


def test_an_unknown_source_type_is_no_finding() -> None:
    assert findings(jpeg(xmp=packet(SOURCE.format("madeByMyCat")))) == []


def test_a_camera_is_weak_evidence() -> None:
    block = exif(Make="Canon", Model="Canon EOS 30D", Exposure=0.004, FNumber=2.8)
    (finding,) = findings(jpeg(block))
    assert finding.says is Says.CAMERA
    assert not finding.signed
    assert finding.evidence.p_fake is None
    assert "a camera, Canon EOS 30D, with 2 exposure tags" in finding.evidence.finding
    assert finding.evidence.detail["ExposureTime"] == pytest.approx(0.004)


def test_a_camera_name_alone_is_worth_nothing() -> None:
    (finding,) = findings(jpeg(exif(Make="Canon", Model="EOS")))
    assert finding.says is Says.NOTHING


def test_generator_and_camera_may_disagree() -> None:
    block = exif(
        Make="Canon", Model="EOS", MakerNote=b"x" * 400, UserComment=unicode_comment(SETTINGS)
    )
    assert [f.says for f in findings(jpeg(block))] == [Says.GENERATED, Says.CAMERA]


def test_long_prompts_are_cut() -> None:
    (finding,) = findings(png_text("parameters", "x" * 100_000 + "\n" + SETTINGS))
    assert len(finding.evidence.detail["prompt"]) == MAX_EXCERPT_CHARS
    assert len(json.dumps(finding.evidence.detail)) < 2_000


# ---- hostile files ------------------------------------------------------------------------------


def seconds(data: bytes) -> float:
    start = time.perf_counter()
    findings(data)
    return time.perf_counter() - start


def test_a_compression_bomb_stops_at_the_limit() -> None:
    bomb = zlib.compress(b"A" * (64 << 20), 9)
    data = png(*[chunk(b"zTXt", b"k\0\0" + bomb)] * 50)
    blocks = read_blocks(data)
    assert max(len(block.data) for block in blocks) == MAX_BLOCK_BYTES
    assert sum(len(block.data) for block in blocks) <= 8 << 20


def test_xml_entities_are_never_expanded() -> None:
    laughs = "".join(
        f'<!ENTITY l{i} "{f"&l{i - 1};" * 10 if i else "AI generated"}">' for i in range(9)
    )
    bomb = f"<!DOCTYPE x [{laughs}]>".encode() + packet("<dc:rights>&l8;</dc:rights>")
    small = b'<!DOCTYPE x [<!ENTITY e "AI generated">]>' + packet("<dc:rights>&e;</dc:rights>")
    assert findings(jpeg(xmp=bomb)) == []
    assert findings(jpeg(xmp=small)) == []
    assert seconds(jpeg(xmp=bomb)) < 0.2


@pytest.mark.parametrize(
    "data",
    [
        png(*[chunk(b"tEXt", b"parameters\0" + b"Steps: 1, " * 100_000)] * 8),
        png(chunk(b"tEXt", b"prompt\0" + b'{"a":' * 50_000)),  # deeper than Python recurses
        png(chunk(b"tEXt", b"parameters\0" + b'Label":"1"' * 100_000)),
        png(*[chunk(b"tEXt", b"")] * 20_000),
        png(chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + b"<a>" * 100_000)),
        png(chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + packet("<b>c</b>" * 50_000))),
        b"\xff\xd8" + b"\xff" * 2_000_000,
        b"GIF89a" + b"\0" * 7 + b"\x21\xfe\x01\x41\x00" * 200_000,
        b"II*\0\x08\0\0\0" + b"\xff" * 1_000_000,
        b"RIFF\0\0\0\0WEBP" + b"EXIF\0\0\0\0" * 100_000,
    ],
)
def test_files_made_to_keep_the_reader_busy(data: bytes) -> None:
    assert seconds(data) < 1.5


SEEDS = [data for data, _ in MARKED] + [
    jpeg(
        exif(Make="Canon", Model="EOS", Exposure=0.01, MakerNote=b"x" * 40), xmp=packet("<a>b</a>")
    ),
]


@settings(max_examples=300, deadline=None)
@given(
    seed=st.sampled_from(SEEDS),
    cut=st.integers(0, 1 << 16),
    flips=st.lists(st.tuples(st.integers(0, 1 << 16), st.integers(0, 255)), max_size=6),
)
def test_no_damage_raises(seed: bytes, cut: int, flips: list[tuple[int, int]]) -> None:
    data = bytearray(seed)
    for at, value in flips:
        data[at % len(data)] = value
    for finding in findings(bytes(data[: len(data) - cut % 64])):
        json.dumps(finding.evidence.detail, allow_nan=False)
    findings(bytes(data[: cut % len(data)]))


HEADS = [
    b"",
    b"\x89PNG\r\n\x1a\n",
    b"\xff\xd8\xff",
    b"RIFF\0\0\0\0WEBP",
    b"GIF89a",
    b"II*\0",
    b"MM\0*",
]


@settings(max_examples=300, deadline=None)
@given(head=st.sampled_from(HEADS), tail=st.binary(max_size=400))
def test_random_bytes_never_raise(head: bytes, tail: bytes) -> None:
    findings(head + tail)


# ---- the shared pictures ------------------------------------------------------------------------


def rows(manifest: str) -> list[dict[str, str]]:
    with (SHARED / manifest).open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


EXPECTED: dict[str, Callable[[str], bool]] = {
    "'prompt', 'workflow'": lambda generator: generator == "ComfyUI",
    "'parameters'": lambda generator: generator == "stable-diffusion.cpp",
    "exif:stability.ai": lambda generator: generator == "Stability AI",
    "exif:AI generated": lambda generator: generator == "FLUX (Black Forest Labs)",
}


@needs_shared
def test_the_real_marked_files_are_read_right() -> None:
    num_read = 0
    for row in rows("metadata/manifest.csv"):
        if "c2pa" in row["carries"]:
            continue  # read by provenance
        (finding,) = findings((SHARED / row["path"]).read_bytes())
        is_right = next(check for mark, check in EXPECTED.items() if mark in row["carries"])
        assert is_right(finding.evidence.detail["generator"]), row["path"]
        assert {"prompt", "description"} & set(finding.evidence.detail), row["path"]
        num_read += 1
    assert num_read == 12


@needs_shared
def test_no_photograph_is_taken_for_generated() -> None:
    photographs = [row for row in rows("manifest.csv") if row["label"] == "real"]
    says = [f.says for row in photographs for f in findings((SHARED / row["path"]).read_bytes())]
    assert len(photographs) == 591
    assert says.count(Says.GENERATED) == 0
    assert says.count(Says.CAMERA) == 11
