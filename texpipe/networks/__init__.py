"""Generators, discriminators, their model files, and where to find those."""
