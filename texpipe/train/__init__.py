"""Training and judging: modern textures in, a model that upscales a console's textures out."""
