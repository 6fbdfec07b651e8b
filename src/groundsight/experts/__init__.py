"""Detectors that need torch to be trained: how the shipped signal expert is fitted.

The expert itself runs without torch, see `groundsight.forensics.signal`.
"""
