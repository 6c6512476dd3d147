"""Picture files and their headers, console texel formats, visible pixels, digests."""
