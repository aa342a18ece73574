"""A1111's OpenCLIP text encoders: names."""
# pyright: basic

from modules import sd_hijack_clip


class FrozenOpenCLIPEmbedderWithCustomWords(sd_hijack_clip.FrozenCLIPEmbedderWithCustomWordsBase):
    """OpenCLIP of SD2."""


class FrozenOpenCLIPEmbedder2WithCustomWords(sd_hijack_clip.FrozenCLIPEmbedderWithCustomWordsBase):
    """OpenCLIP of SDXL."""
