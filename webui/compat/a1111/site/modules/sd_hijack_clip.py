"""A1111's text encoders: names, for extensions that ask what kind one is."""
# pyright: basic

import torch

from webui.prompts.chunks import EmbeddingFix as PromptChunkFix  # noqa: F401
from webui.prompts.chunks import PromptChunk  # noqa: F401


class TextConditionalModel(torch.nn.Module):
    """The checkpoint's text encoder is none of these."""


class FrozenCLIPEmbedderWithCustomWordsBase(TextConditionalModel):
    """CLIP."""


class FrozenCLIPEmbedderWithCustomWords(FrozenCLIPEmbedderWithCustomWordsBase):
    """CLIP of SD1."""


class FrozenCLIPEmbedderForSDXLWithCustomWords(FrozenCLIPEmbedderWithCustomWords):
    """CLIP of SDXL."""
