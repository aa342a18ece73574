"""Where the parts of a Stable Diffusion lie among a file's tensors.

Three ways of naming are known: the original single file (CompVis, Stability), a diffusers folder, and the
network alone in either spelling.
"""

from dataclasses import dataclass

from webui.library.files.headers import Header

FIRST_CONV = {"original": "input_blocks.0.0.weight", "diffusers": "conv_in.weight"}
LAST_CONV = {"original": "out.2.weight", "diffusers": "conv_out.weight"}
# Of SD2's text encoder.
OPEN_CLIP_WIDTH = 1024


@dataclass(frozen=True, slots=True)
class TextPart:
    """One text encoder in a file: the prefix of its tensors and how they are named.

    `kind` is "clip" (transformers' names), "open_clip" (SD2's) or "open_clip_big" (SDXL's second, with
    projection); `names` is "transformers" or "open_clip".
    """

    prefix: str
    kind: str
    names: str


@dataclass(frozen=True, slots=True)
class Layout:
    """Prefixes of the parts; `names` is "original" or "diffusers", `vae` None if the file has none."""

    names: str
    network: str
    vae: str | None
    text_encoders: tuple[TextPart, ...]

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kinds of the text encoders, in order."""
        return tuple(part.kind for part in self.text_encoders)

    @property
    def is_checkpoint(self) -> bool:
        """Whether the file has more than the bare network."""
        return bool(self.text_encoders) or self.vae is not None


def find_layout(header: Header) -> Layout | None:
    """Layout of a Stable Diffusion U-Net or checkpoint, None if the file is no such thing."""
    for joint in "/.":
        if f"unet{joint}conv_in.weight" in header:
            return _diffusers_layout(header, joint)
    if header.layout == "diffusers":
        return None
    for prefix in ("model.diffusion_model.", "diffusion_model.", ""):
        if prefix + FIRST_CONV["original"] in header and prefix + "out.2.weight" in header:
            vae = "first_stage_model." if header.has("first_stage_model.decoder.") else None
            return Layout("original", prefix, vae, _original_text_encoders(header))
    if {"conv_in.weight", "conv_out.weight", "time_embedding.linear_1.weight"} <= set(header.tensors):
        return Layout("diffusers", "", None, ())
    return None


def text_width(header: Header) -> int:
    """Numbers a token has in all text encoders of a file together; 0 if it has none."""
    layout = find_layout(header)
    prefixes = [part.prefix for part in layout.text_encoders] if layout else []
    tables = (
        info.shape
        for key, info in header.tensors.items()
        if key.endswith("token_embedding.weight") and key.startswith(tuple(prefixes))
    )
    return sum(shape[-1] for shape in tables) if prefixes else 0


def _original_text_encoders(header: Header) -> tuple[TextPart, ...]:
    """Text encoders of a single file, in the order in which their outputs are joined."""
    found: list[TextPart] = []
    if header.has("cond_stage_model.transformer.") and not header.has(
        "cond_stage_model.transformer.vision_model."
    ):
        prefix = "cond_stage_model.transformer."
        found.append(TextPart(prefix, _kind_by_width(header, prefix), "transformers"))
    elif header.has("cond_stage_model.model.transformer."):
        found.append(TextPart("cond_stage_model.model.", "open_clip", "open_clip"))
    for index in (0, 1):
        prefix = f"conditioner.embedders.{index}."
        if header.has(f"{prefix}transformer."):
            found.append(TextPart(f"{prefix}transformer.", "clip", "transformers"))
        elif header.has(f"{prefix}model.transformer."):
            found.append(TextPart(f"{prefix}model.", "open_clip_big", "open_clip"))
    return tuple(found)


def _kind_by_width(header: Header, prefix: str) -> str:
    """Kind of a single file's first text encoder in transformers' names."""
    names = (f"{prefix}{inner}embeddings.token_embedding.weight" for inner in ("text_model.", ""))
    shape = next((shape for name in names if (shape := header.shape(name))), ())
    return "open_clip" if shape[-1:] == (OPEN_CLIP_WIDTH,) else "clip"


def _diffusers_layout(header: Header, joint: str) -> Layout:
    """Layout of a diffusers folder, or of a file whose parts' names are joined by "."."""
    found: list[TextPart] = []
    has_vector = header.has(f"unet{joint}add_embedding.")
    if header.has(f"text_encoder{joint}"):
        # SD2's folder names its one encoder as SD1's does; the network tells them apart (linear projections).
        shapes = (info.shape for key, info in header.tensors.items() if key.endswith(".proj_in.weight"))
        is_linear = len(next(shapes, ())) == 2
        found.append(
            TextPart(
                f"text_encoder{joint}",
                "open_clip" if is_linear and not has_vector else "clip",
                "transformers",
            )
        )
    if header.has(f"text_encoder_2{joint}"):
        found.append(TextPart(f"text_encoder_2{joint}", "open_clip_big", "transformers"))
    vae = f"vae{joint}"
    return Layout("diffusers", f"unet{joint}", vae if header.has(vae) else None, tuple(found))
