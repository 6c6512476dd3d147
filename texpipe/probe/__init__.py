"""Colour codes that tell textures apart on a screenshot: what they are, how they are drawn, how they are read."""
