"""texpipe: AI-upscaled texture packs for retro games."""

__version__ = "0.1.0"
