"""A few samples of every suite, written in the layout that its source reads."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image

from groundsight.core.types import ImageRef, Sample, SampleRegion

FIXTURES = Path(__file__).parents[1] / "data" / "fixtures"
GENERATORS = ("Midjourney", "stable_diffusion_v_1_4", "sdv5", "ADM", "glide", "wukong", "VQDM")


def write_suite(name: str, folder: Path) -> Path:
    """Write the data set of a suite; its path."""
    folder.mkdir(parents=True, exist_ok=True)
    return WRITERS[name](folder)


def write_json(path: Path, tree: Any) -> Path:
    path.write_text(json.dumps(tree), encoding="utf-8")
    return path


def write_samples(path: Path, samples: list[Sample]) -> Path:
    path.write_text("".join(sample.model_dump_json() + "\n" for sample in samples))
    return path


def save_picture(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (8, 6)).save(path)


def grounding_sample(
    number: int, boxes: list[tuple[float, float, float, float]], **extra: Any
) -> Sample:
    return Sample(
        id=f"set/{number}",
        images=(ImageRef(path=f"{number}.jpg", width=400, height=300),),
        task="multi_image_grounding",
        question="Find it in Image 1.",
        regions=tuple(SampleRegion(xyxy=box) for box in boxes),
        extra=extra,
    )


def _folders(folder: Path) -> Path:
    for path in ("a/real/1.png", "a/fake/2.png", "b/real/3.png", "b/fake/4.png"):
        save_picture(folder / path)
    return folder


def _genimage(folder: Path) -> Path:
    for generator in (*GENERATORS, "BigGAN"):
        for side in ("ai", "nature"):
            save_picture(folder / generator / "val" / side / "1.png")
    save_picture(folder / "ADM" / "train" / "ai" / "2.png")
    return folder


def _loki(folder: Path) -> Path:
    for name in ("true_or_false.json", "open_ended_vqa.json"):
        shutil.copy(FIXTURES / f"loki_{name}", folder / name)
    pairs = [
        {
            "id": f"pair_{asks}",
            "image_path": ["media_data/image/a.jpg", "media_data/image/b.jpg"],
            "question": f"<image>\n<image>\nWhich one is {asks}?",
            "choices": ["The first one.", "The second one."],
            "answer": answer,
            "question_type": f"image_mc_{asks}_from_{other}_sence",
        }
        for asks, other, answer in (("real", "fake", "A"), ("fake", "real", "B"))
    ]
    write_json(folder / "multi_choice.json", pairs)
    return folder


def _fakexplained(folder: Path) -> Path:
    regions = [
        {"box": [10, 20, 60, 80], "caption": "six fingers on the hand"},
        {"box": [100, 120, 180, 200], "caption": "letters that are no letters"},
    ]
    size = {"width": 400, "height": 300}
    rows = [
        {"image": "a.png", "label": "fake", "generator": "flux", "regions": regions, **size},
        {"image": "b.png", "label": "real", "regions": [], **size},
    ]
    return write_json(folder / "fakexplained.json", rows)


def _mc_bench(folder: Path) -> Path:
    size = {"height": 300, "width": 400}
    images = [{"id": i, "text_id": i // 2, "file_name": f"{i}.jpg", **size} for i in range(6)]
    boxes = [(0, 0, [10, 10, 50, 50], 1), (1, 0, [20, 30, 40, 40], 1), (2, 1, [5, 5, 90, 90], 1)]
    boxes.append((3, 1, [100, 5, 90, 90], 2))
    tree = {
        "images": images,
        "annotations": [
            {"image_id": image, "text_id": text, "bbox": box, "category_id": group}
            for image, text, box, group in boxes
        ],
        "descriptions": [
            {
                "id": text,
                "images_id": [2 * text, 2 * text + 1],
                "text": "the same bird",
                "positive_sample": text < 2,
                "text_style": "Comparison",
            }
            for text in range(3)
        ],
    }
    return write_json(folder / "mc-bench_v0.2_val.json", tree)


def _grounding(folder: Path) -> Path:
    samples = [
        grounding_sample(1, [(10, 10, 60, 60)], category="cup"),
        grounding_sample(2, [(0, 0, 300, 300)], category="bird"),
    ]
    return write_samples(folder / "set.jsonl", samples)


def _areas(folder: Path) -> Path:
    samples = [
        grounding_sample(1, [(10, 10, 60, 60), (100, 10, 160, 60)]),
        grounding_sample(2, []),
    ]
    return write_samples(folder / "set.jsonl", samples)


def _coco(folder: Path) -> Path:
    tree = {
        "images": [{"id": 1, "file_name": "a.jpg", "width": 640, "height": 480}],
        "annotations": [
            {"id": 7, "image_id": 1, "category_id": 3, "bbox": [10, 20, 30, 40]},
            {"id": 8, "image_id": 1, "category_id": 3, "bbox": [100, 0, 50, 50]},
            {"id": 9, "image_id": 1, "category_id": 4, "bbox": [200, 200, 80, 80]},
        ],
        "categories": [{"id": 3, "name": "cup"}, {"id": 4, "name": "hand"}],
    }
    return write_json(folder / "coco.json", tree)


def _choices(folder: Path) -> Path:
    lines = [
        "index\tquestion\tA\tB\tanswer\tcategory\timage_path",
        "1\tWhich one is real?\tthe first\tthe second\tB\tForensic_Detection\t['a.jpg', 'b.jpg']",
        "2\tHow many?\tone\ttwo\tA\tCounting\t['a.jpg']",
        "3\tHow many?\tone\ttwo\thidden\tCounting\t['b.jpg']",
    ]
    path = folder / "set.tsv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def _table(folder: Path) -> Path:
    path = folder / "set.csv"
    path.write_text("path,label,generator\na.png,real,\nb.png,fake,flux\n")
    return path


def _labelled_samples(folder: Path) -> Path:
    samples = [
        Sample(
            id=f"set/{label}",
            images=(ImageRef(path=f"{label}.png", width=8, height=6),),
            task="forgery_reasoning",
            label=label,
        )
        for label in (0, 1)
    ]
    return write_samples(folder / "set.jsonl", samples)


def _explained_samples(folder: Path) -> Path:
    image = (ImageRef(path="0.jpg", width=400, height=300),)
    region = SampleRegion(xyxy=(40, 30, 200, 150), description="six fingers on a hand")
    samples = [
        Sample(id="own/0", images=image, task="grounded_detection", label=1, regions=(region,)),
        Sample(id="own/1", images=image, task="grounded_detection", label=0),
    ]
    return write_samples(folder / "set.jsonl", samples)


WRITERS: dict[str, Callable[[Path], Path]] = {
    "genimage": _genimage,
    "loki": _loki,
    "loki_open": _loki,
    "loki_pairs": _loki,
    "fakexplained": _fakexplained,
    "mig_bench": lambda folder: FIXTURES / "mig_bench.json",
    "mc_bench": _mc_bench,
    "lisa": _areas,
    "revos": _areas,
    "ref_l4": _grounding,
    "odinw": _coco,
    "blink": _choices,
    "mmiu": _choices,
    "fakeclue": _folders,
    "chameleon": _folders,
    "gpt_image_1": _folders,
    "faceforensics": _folders,
    "mmfr": _folders,
    "folder": _folders,
    "table": _table,
    "samples": _labelled_samples,
    "explained": _explained_samples,
    "grounding": _areas,
}
