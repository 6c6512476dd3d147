"""Generators, their files and where to find them."""
