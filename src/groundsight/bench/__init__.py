"""Benchmarks run, compared and reported: `groundsight bench`.

`records` is what lies in a run's folder; `report` reads it, `compare` reads two.
"""
