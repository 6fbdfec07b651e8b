"""Metadata read from the container's own chunks: `read_metadata(picture)`."""

from groundsight.forensics.metadata.reader import read_metadata

__all__ = ["read_metadata"]
