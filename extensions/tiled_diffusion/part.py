"""What the artist may choose of the U-Net's and the VAE's tiles; how A1111's and Forge's APIs order it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import Field

from webui.plugins import GenerationRequest, InvalidRequest, RequestPart

Method = Literal["MultiDiffusion", "Mixture of Diffusers"]
# In the arguments of the extension "Tiled Diffusion & VAE", whose third is a flag.
A1111_PLACES = {
    "enabled": 0,
    "method": 1,
    "tile_width": 6,
    "tile_height": 7,
    "overlap": 8,
    "tile_batch_size": 9,
}
INFOTEXT_KEYS = {
    "method": "Method",
    "tile_width": "Tile tile width",
    "tile_height": "Tile tile height",
    "overlap": "Tile Overlap",
    "tile_batch_size": "Tile batch size",
}
ENCODER_KEY, DECODER_KEY = "VAE encoder tile", "VAE decoder tile"
CELL = 8


class TiledDiffusion(RequestPart):
    """Sizes are cells of the latent, 8 pixels each, as in the extension that made this known."""

    key = "tiled_diffusion"
    title = "Tiled Diffusion"
    about = "Larger pictures in the memory of small ones: overlapping tiles, in every step."
    # In Forge's order.
    enabled: bool = Field(default=False, title="Enable")
    method: Method = Field(
        default="MultiDiffusion", title="Method", description="Mixture weighs the middles of tiles most."
    )
    tile_width: int = Field(default=96, ge=16, le=256, title="Tile width", description="Of 8 pixels each.")
    tile_height: int = Field(default=96, ge=16, le=256, title="Tile height", description="Of 8 pixels each.")
    overlap: int = Field(default=48, ge=0, le=252, title="Overlap", description="Of 8 pixels each.")
    tile_batch_size: int = Field(default=4, ge=1, le=8, title="Tiles at once")

    def to_infotext(self) -> dict[str, str]:
        """One key, as the extension writes it."""
        if not self.is_active:
            return {}
        values = {key: getattr(self, name) for name, key in INFOTEXT_KEYS.items()}
        return {self.title: json.dumps(values)}

    @classmethod
    def from_infotext(cls, fields: Mapping[str, str]) -> Self | None:
        """From that key; what else it tells is left alone."""
        try:
            told = json.loads(fields[cls.title])
            values = {name: told[key] for name, key in INFOTEXT_KEYS.items() if key in told}
            return cls.read(values | {"enabled": True})
        except (KeyError, ValueError, TypeError, InvalidRequest):
            return None

    @classmethod
    def from_args(cls, args: list[Any]) -> Self:
        """Forge's order, or A1111's, with the picture's size before the tiles'. Raises InvalidRequest."""
        if len(args) > 2 and isinstance(args[2], bool):
            return cls.read({name: args[at] for name, at in A1111_PLACES.items() if at < len(args)})
        return super().from_args(args)


class TiledVae(RequestPart):
    """Encoder's tiles in pixels, decoder's in cells, as in the extension that made this known."""

    key = "tiled_vae"
    title = "Tiled VAE"
    about = "Pictures to latents and back in tiles: much less memory, nearly the same picture."
    # In A1111's order. What follows there chooses between speed and colours, which are as the whole's here.
    enabled: bool = Field(default=False, title="Enable")
    encoder_tile_size: int = Field(
        default=512,
        ge=0,
        le=4096,
        title="Encoder tile size",
        description="Pixels, at least 128; 0: no tiles.",
    )
    decoder_tile_size: int = Field(
        default=64,
        ge=0,
        le=512,
        title="Decoder tile size",
        description="Of 8 pixels, at least 16; 0: no tiles.",
    )

    def change(self, request: GenerationRequest) -> GenerationRequest:
        """The request with these tiles."""
        tiles = {
            "vae_encoder_tile": self.encoder_tile_size,
            "vae_decoder_tile": self.decoder_tile_size * CELL,
        }
        return request.model_copy(update={"options": request.options.model_copy(update=tiles)})

    def to_infotext(self) -> dict[str, str]:
        """The keys that the settings have for the same."""
        if not self.is_active:
            return {}
        return {
            ENCODER_KEY: str(self.encoder_tile_size),
            DECODER_KEY: str(self.decoder_tile_size * CELL),
        }

    @classmethod
    def from_infotext(cls, fields: Mapping[str, str]) -> Self | None:
        """From these keys, whoever chose the tiles; without one of them there were none."""
        if ENCODER_KEY not in fields and DECODER_KEY not in fields:
            return None
        try:
            encoder, decoder = (int(fields.get(key, "0")) for key in (ENCODER_KEY, DECODER_KEY))
            values = {"encoder_tile_size": encoder, "decoder_tile_size": -(-decoder // CELL)}
            return cls.read(values | {"enabled": True})
        except (ValueError, InvalidRequest):
            return None

    @classmethod
    def from_args(cls, args: list[Any]) -> Self:
        """A1111's order; what it has besides is passed over. Raises InvalidRequest."""
        return super().from_args(args[: len(cls.model_fields)])
