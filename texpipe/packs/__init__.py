"""Packs of any format: written, checked, and noted so that a later run knows its own files."""
