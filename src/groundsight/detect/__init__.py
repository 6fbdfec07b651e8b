"""The main job: from paths to reports.

`one` examines a picture, `pool` runs workers, `ledger` keeps what is done, `page` and `artefacts`
are what people look at, and `job` is the outline of it all.
"""
