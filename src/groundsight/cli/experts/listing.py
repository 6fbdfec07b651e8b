"""`groundsight experts list`: published detectors and those trained here."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from groundsight.experts import ExpertCard


def list_experts(
    json: Annotated[bool, typer.Option("--json", help="One JSON object, for programs.")] = False,
) -> None:
    """The experts: what they see, whose weights under which licence, what is on this machine."""
    import json as encoder

    from groundsight.cli.printing import print_lines
    from groundsight.experts import expert_card, expert_names
    from groundsight.experts.places import weights_root

    rows = [_row(expert_card(name)) for name in expert_names()]
    own = _own_folders()
    if json:
        tree = {"experts": rows, "own": own, "folder": str(weights_root())}
        print_lines(encoder.dumps(tree, indent=2))
        return
    for row in rows:
        print_lines(*_row_lines(row))
    for one in own:
        print_lines(f"{one['folder']}: {one['name']}, trained here")


def _row(card: "ExpertCard") -> dict[str, Any]:
    from groundsight.experts.places import find_backbone, find_weights, usual_place

    found = find_weights(card)
    tower = None if card.backbone is None else find_backbone(card.backbone)
    return {
        "name": card.name,
        "title": card.title,
        "sees": card.sees,
        "paper": card.paper,
        "input": card.input,
        "differentiable": card.differentiable,
        "official_code": card.official_code,
        "official_file": card.official_file,
        "official_from": card.official_from,
        "licence": card.licence,
        "weights_here": None if found is None else str(found),
        "weights_belong_at": str(usual_place(card)) if card.official_file else None,
        "backbone": card.backbone,
        "backbone_here": None if tower is None else str(tower),
    }


def _row_lines(row: dict[str, Any]) -> list[str]:
    file, place = row["official_file"], row["weights_belong_at"]
    lines = [
        f"{row['name']:<12}{row['title']}, sees {row['sees']}: {row['input']}",
        f"{'':<12}{row['paper']}",
        f"{'':<12}weights {file or '(none)'}: {row['official_from']}; {row['official_code']}",
        f"{'':<12}licence: {row['licence']}",
    ]
    if file:
        here = row["weights_here"] or f"not here; put it at {place}"
        lines.append(f"{'':<12}on this machine: {here}")
    if row["backbone"]:
        tower = row["backbone_here"] or f"not here; hf download {row['backbone']}"
        lines.append(f"{'':<12}tower {row['backbone']}: {tower}")
    return lines


def _own_folders() -> list[dict[str, str]]:
    from groundsight.experts.folder import read_expert_file
    from groundsight.experts.places import find_folders

    return [{"folder": str(path), "name": read_expert_file(path).name} for path in find_folders()]
