"""Attune: which emotion a person on camera expresses, when, and on what evidence."""

__version__ = "0.1.0"
