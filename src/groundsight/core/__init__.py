"""The vocabulary: types, report, errors, tables, seeds, config. Needs numpy and pydantic only."""
