"""One module a stage of the demo; each writes a folder that later ones read."""
