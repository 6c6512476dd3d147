"""From 3-channel passes to upscaled pictures: device, engine, batches, tiles."""
