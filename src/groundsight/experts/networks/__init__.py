"""Networks of published detectors, with the official names and shapes. Torch."""
