"""The main job: from paths to reports."""
