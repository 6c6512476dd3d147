"""Textures that belong together: split pictures, atlases, variants, animation frames and mirror images."""
