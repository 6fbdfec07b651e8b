"""Which data set a file holds, in 64 letters."""

import json
from hashlib import sha256
from pathlib import Path

from groundsight.core.errors import PictureError, UsageError
from groundsight.core.types import Sample
from groundsight.data.packed import parse_address, read_image_bytes
from groundsight.data.samples.rows import raw_rows, with_root

_MODULUS = 1 << 256


def dataset_hash(path: Path, *, contents: bool = False) -> str:
    """A hash of a file's samples; neither their order nor the file's format counts.

    It is the sum, modulo 2^256, of the SHA-256 of every sample in canonical JSON, so it needs no
    memory and two files of the same samples have the same one. It tells data sets apart; it is no
    seal against someone who wants two to look the same.

    Args:
        path: a file of samples.
        contents: what of a picture counts: its path as the file has it (a packed one always counts
            by its bytes), or, if true, its bytes wherever they lie.

    Returns:
        64 hexadecimal digits.

    Raises:
        UsageError: unreadable, a row that is no sample, or a picture whose bytes cannot be read.
    """
    total = 0
    root = str(path.parent)
    for where, sample in raw_rows(path):
        if isinstance(sample, str):
            raise UsageError(f"{path}, {where}: {sample}")
        total += int.from_bytes(sha256(_canonical(sample, root, contents)).digest(), "big")
    return f"{total % _MODULUS:064x}"


def truth_hash(sample: Sample) -> str:
    """64 hex digits of id, question and truth; where the pictures lie does not count."""
    text = sample.model_dump_json(exclude={"images"}, exclude_defaults=True)
    return sha256(f"{len(sample.images)} {text}".encode()).hexdigest()


def _canonical(sample: Sample, root: str, contents: bool) -> bytes:
    tree = sample.model_dump(mode="json", exclude_defaults=True)
    for image, there in zip(tree["images"], with_root(sample, root).images, strict=True):
        if contents or parse_address(image["path"]):
            try:
                data = read_image_bytes(there.path)
            except PictureError as error:
                raise UsageError(f"sample {sample.id}: {there.path} {error}") from error
            image["path"] = f"sha256:{sha256(data).hexdigest()}"
    return json.dumps(tree, sort_keys=True, separators=(",", ":")).encode("ascii")
