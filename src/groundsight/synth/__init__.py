"""Pictures made here with a known truth: local edits and their masks."""
