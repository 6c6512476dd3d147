"""Fine-tuning and evaluation: `data`, `losses`, the `loop` and `evaluation`; `schema` and `presets` say how."""
