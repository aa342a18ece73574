"""A1111's `model_hijack`: what it knows of the checkpoint, without a change to it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from torch import nn

from webui.compat.a1111 import host
from webui.prompts.chunks import Chunking
from webui.prompts.conditioning import Timeline, token_count
from webui.prompts.tokenizer import clip_tokenizer


@dataclass(slots=True)
class Optimization:
    """A way to compute attention, as A1111 lists them."""

    name: str
    label: str | None = None
    cmd_opt: str | None = None
    priority: int = 0

    def title(self) -> str:
        """Its name, and what it is."""
        return self.name if self.label is None else f"{self.name} - {self.label}"

    def is_available(self) -> bool:
        """It is."""
        return True

    def apply(self) -> None:
        """Nothing: this program chooses its attention itself."""

    def undo(self) -> None:
        """Nothing."""


def optimizations() -> list[Optimization]:
    """What this program has."""
    return [Optimization("sdp", "scaled dot product", "opt_sdp_attention", 80)]


class Hijack:
    """The object that extensions ask for embeddings, lengths of prompts and layers."""

    def __init__(self) -> None:
        self.fixes: Any = None
        self.circular_enabled = False
        self.clip: Any = PromptLengths(self)
        self.optimization_method: str | None = "sdp"
        self.comments: list[str] = []
        self.extra_generation_params: dict[str, Any] = {}
        self._database: Any = None

    @property
    def embedding_db(self) -> Any:  # noqa: ANN401 - A1111's database
        """The embeddings."""
        if self._database is None:
            module = import_module("modules.textual_inversion.textual_inversion")
            self._database = module.EmbeddingDatabase()
            self._database.is_of_runs = True
        return self._database

    @property
    def known_database(self) -> Any:  # noqa: ANN401 - as above
        """The same, None where nobody asked for it yet."""
        return self._database

    @embedding_db.setter
    def embedding_db(self, value: Any) -> None:  # noqa: ANN401 - as above
        self._database = value

    @property
    def layers(self) -> list[nn.Module]:
        """Every convolution of the checkpoint that is loaded, for extensions that tile; none without one."""
        return list(convolutions(import_module("modules.shared")))

    def get_prompt_lengths(self, text: str) -> tuple[int, int]:
        """Tokens in use, and how many fit."""
        tokenizer = clip_tokenizer("transformers")
        chunking = Chunking(tokenizer, embeddings=embedding_names(text, tokenizer))
        return token_count(str(text), Timeline(1), chunking)

    def hijack(self, m: object) -> None:
        """Nothing."""

    def undo_hijack(self, m: object) -> None:
        """Nothing."""

    def apply_optimizations(self, option: object = None) -> None:
        """Nothing."""

    def apply_circular(self, enable: object) -> None:
        """Nothing: `p.tiling` makes seamless pictures."""
        self.circular_enabled = bool(enable)

    def clear_comments(self) -> None:
        """Forget what was said about the prompts."""
        self.comments = []
        self.extra_generation_params = {}

    def redo_hijack(self, m: object) -> None:
        """Nothing."""

    def convert_sdxl_to_ssd(self, m: object) -> None:
        """Nothing: such checkpoints are known as what they are."""


class PromptLengths:
    """The text encoder as A1111's counter of tokens knows it."""

    def __init__(self, hijack: Hijack) -> None:
        self._hijack = hijack

    def get_target_prompt_token_count(self, token_count: int) -> int:
        """How many tokens the chunks of so many hold."""
        return max(1, -(-int(token_count) // 75)) * 75

    def tokenize(self, texts: list[str]) -> list[list[int]]:
        """Numbers of CLIP's tokens, without marks."""
        return [list(clip_tokenizer("transformers").encode(text)) for text in texts]

    def process_texts(self, texts: list[str]) -> tuple[list[Any], int]:
        """(chunks of each text, tokens in use of the longest)."""
        return [[] for _ in texts], max(self._hijack.get_prompt_lengths(text)[0] for text in texts)


def embedding_names(text: str, tokenizer: Any) -> Any:  # noqa: ANN401 - a tokenizer, names of embeddings
    """The embeddings that a text may name; None without any, or while the program is being built."""
    try:
        services = host.current().services
    except RuntimeError:
        return None
    return None if services is None else services.embedding_names(text, tokenizer)


def convolutions(shared: Any) -> Iterator[nn.Module]:  # noqa: ANN401 - A1111's module
    """Of the checkpoint's U-Net and VAE, where one is loaded."""
    try:
        model = shared.sd_model
        networks = (model.model.diffusion_model, model.first_stage_model)
    except (AttributeError, ImportError, RuntimeError):
        return
    for network in networks:
        if isinstance(network, nn.Module):
            yield from (layer for layer in network.modules() if isinstance(layer, nn.Conv2d))


def free_memory_bytes() -> int:
    """Memory of this computer that is free."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_AVPHYS_PAGES") if hasattr(os, "sysconf") else 0
