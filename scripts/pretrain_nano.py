"""Pretrain the nano base that the demo starts from: photographs in, a model folder out.

    python scripts/pretrain_nano.py PHOTOS... --out runs/nano_base --processes 2

    python scripts/pretrain_nano.py OTHER_PHOTOS... --out runs/nano_base --look

Run it again to go on where it was cut short. `--out` gets checkpoints, `log.jsonl`,
`settings.json` and, at the end, `base/`. `--look` trains nothing: it tells, as JSON, how well the
tower of that folder sees each edit, on photographs that it should not have been trained on.
"""

import argparse
import json
import os
import sys
from pathlib import Path


def main() -> int:
    """Read the arguments and train."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("photos", nargs="+", help="files, folders or globs of photographs")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--processes", type=int, default=2, help="a thread each")
    parser.add_argument("--stages", default="dense,text")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--look", action="store_true", help="tell what the tower sees")
    parser.add_argument("--num", type=int, default=200, help="pictures of each kind to look at")
    arguments = parser.parse_args()
    os.environ.update({"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"})
    from groundsight.data.pictures import find_pictures
    from groundsight.train.pretrain.run import pretrain
    from groundsight.train.pretrain.settings import PretrainSettings

    given = dict(item.split("=", 1) for item in arguments.set)
    settings = PretrainSettings.model_validate(given, strict=False)
    found = find_pictures(arguments.photos, leave_out=[arguments.out])
    if arguments.look:
        from groundsight.train.pretrain.sight import look

        rows = look(arguments.out, found.paths, num=arguments.num)
        print(json.dumps([row._asdict() for row in rows], indent=1))
        return 0
    pretrain(
        found.paths,
        arguments.out,
        settings,
        processes=arguments.processes,
        stages=arguments.stages.split(","),
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
