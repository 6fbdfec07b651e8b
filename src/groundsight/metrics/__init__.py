"""Scores of whole sets: classification, localisation, intervals."""
