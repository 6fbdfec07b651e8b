"""The pictures that the signal expert is measured on, as files: both classes through one codec.

    python benchmarks/matched_pictures.py ../shared/images/manifest.csv OUT
    groundsight bench run table --data OUT/unseen.csv --out RUN --perturb all

Each is `experts.signal.views.protocol_view` (longest side at most 1024, JPEG 80-95 drawn from the
path), kept without loss as PNG, so that `bench run` sees the very pixels of `signal_expert.py`.
"""

import argparse
import csv
import sys
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from groundsight.experts.signal.views import protocol_view
from groundsight.vision.images import open_picture

COLUMNS = ("path", "label", "generator", "family", "split")


def write_matched(manifest: Path, out: Path, split: str) -> Path:
    """Write the pictures of a split, and the table of them.

    Args:
        manifest: CSV with path, label and split; paths start at its folder.
        out: folder; is made where it is not there.
        split: whose pictures.
    """
    out.mkdir(parents=True, exist_ok=True)
    with manifest.open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == split]
    table = out / f"{split}.csv"
    with table.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, extrasaction="ignore", restval="")
        writer.writeheader()
        for row in rows:
            image = Image.fromarray(open_picture(manifest.parent / row["path"]).rgb)
            name = Path(row["path"]).with_suffix("").as_posix().replace("/", "__") + ".png"
            protocol_view(image, row["path"]).save(out / name, compress_level=1)
            writer.writerow(row | {"path": name})
    return table


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("manifest", type=Path, help="CSV of pictures")
    parser.add_argument("out", type=Path, help="folder of the matched ones")
    parser.add_argument("--split", default="unseen", help="which split (default unseen)")
    options = parser.parse_args(argv)
    print(write_matched(options.manifest, options.out, options.split))
    return 0


if __name__ == "__main__":
    sys.exit(main())
