"""A1111's multilingual text encoder: a name."""
# pyright: basic

from modules import sd_hijack_clip


class FrozenXLMREmbedderWithCustomWords(sd_hijack_clip.FrozenCLIPEmbedderWithCustomWords):
    """XLM-R."""
