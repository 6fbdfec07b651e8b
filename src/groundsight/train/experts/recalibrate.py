"""A new temperature for an expert that is trained already."""

from dataclasses import asdict
from pathlib import Path

from groundsight.core.json_values import JsonObject
from groundsight.experts import load_expert, save_expert
from groundsight.experts.calibration import fit_temperature
from groundsight.experts.folder import read_expert_file
from groundsight.train.experts.data import DataChoice, read_data
from groundsight.train.experts.scoring import score_pictures


def recalibrate(folder: Path, choice: DataChoice, *, device: str = "auto") -> JsonObject:
    """Fit the temperature on labelled pictures and store it in the folder.

    Args:
        folder: of `save_expert`.
        choice: pictures that the expert was not trained on.
        device: torch's name of a device, or "auto".

    Returns:
        The calibration, with the hash of the data.

    Raises:
        UsageError: no expert there, or too few pictures of a class.
    """
    card = read_expert_file(folder).card
    expert = load_expert(folder, device=device)
    data = read_data(choice)
    table = score_pictures(expert, data.fit)
    fitted = fit_temperature(table.logits, table.labels)
    told = asdict(fitted) | {"data_sha256": data.sha256}
    expert.temperature = fitted.temperature
    save_expert(expert, folder, {**card, "calibration": told})
    return told
