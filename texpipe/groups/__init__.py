"""Textures that belong together: split pictures, sheets of pictures, variants, frames and mirror images."""
