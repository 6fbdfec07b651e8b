"""What sharing does to a picture: any benchmark under any of these, boxes moved along.

    again = perturb(open_picture("photo.jpg"), "jpeg-75")
    again.data                                   # the file as it would be found, without metadata
    again.placement.boxes(true, again.size)      # where boxes of the original lie now

| family | levels, mild to harsh | what is done |
|---|---|---|
| jpeg | 95 90 80 75 70 60 50 | JPEG of that quality, chroma 4:2:0 |
| webp | 90 80 70 50 | lossy WebP of that quality |
| resize | 0.75 0.5 0.25 | both sides times that, bicubic |
| enlarge | 1.5 2 | both sides times that, bicubic |
| crop | 0.9 0.75 0.5 | that share of each side, at a drawn place |
| blur | 0.5 1 2 3 | Gaussian, standard deviation in pixels |
| noise | 2 5 10 20 | white Gaussian, standard deviation in grey levels of 255 |
| darken | 0.75 0.5 0.25 | brightness times that |
| brighten | 1.25 1.5 2 | brightness times that, cut at white |
| screenshot | png jpeg-75 webp-75 | shown at 0.6 to 1.3 times its size, off its grid, saved so |
| social | network messenger feed reshared captured | uploads, one or several; see `table` |

A change that names no codec is saved as PNG, so that nothing but the change is measured. Nothing
here is fitted to a service: services differ by app and year, and say little. What is drawn (a
place, a factor, noise) depends on the seed, the level and the picture's bytes alone.
"""

from groundsight.vision.perturbations.perturb import Perturbed, perturb
from groundsight.vision.perturbations.placement import Placement
from groundsight.vision.perturbations.samples import Moved, move_sample
from groundsight.vision.perturbations.table import (
    FAMILIES,
    PERTURBATIONS,
    Perturbation,
    chosen_perturbations,
)

__all__ = [
    "FAMILIES",
    "PERTURBATIONS",
    "Moved",
    "Perturbation",
    "Perturbed",
    "Placement",
    "chosen_perturbations",
    "move_sample",
    "perturb",
]
