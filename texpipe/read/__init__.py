"""From a folder to decoded textures."""
