"""Networks that read text or pictures for a diffusion network, identified by their names and widths."""

from dataclasses import dataclass

from webui.library.files.headers import Header

PREFIXES = ("", "text_encoder.", "model.", "transformer.", "text_encoder/")
# Of the first weights of each: words by width.
CLIP_NAMES = {768: "CLIP-L", 1024: "OpenCLIP-H", 1280: "OpenCLIP-bigG"}
T5_NAMES = {512: "T5-small", 768: "T5-base", 1024: "T5-large", 2048: "T5-XL", 4096: "T5-XXL"}
UMT5_WORDS = 200_000
QWEN_VL_NAMES = {3584: "Qwen2.5-VL 7B", 2048: "Qwen2.5-VL 3B"}
QWEN3_NAMES = {1024: "Qwen3 0.6B", 2048: "Qwen3 1.7B", 2560: "Qwen3 4B", 4096: "Qwen3 8B"}


# Those with names of their own: modules that each has.
OTHER_TEXT_ENCODERS: tuple[tuple[tuple[str, ...], str], ...] = (
    (("encoder.layers.0.self_attention.query_key_value.",), "ChatGLM3"),
    (("token_embedding.", "blocks.0.ffn.gate.0."), "UMT5-XXL"),
    (("embeddings.word_embeddings.", "encoder.layer.0.attention.self.query."), "BERT"),
)


@dataclass(frozen=True, slots=True)
class EncoderSignature:
    """What an encoder reads and the name of its network."""

    reads_pictures: bool
    name: str


def find_encoder(header: Header) -> EncoderSignature | None:
    """The text or image encoder that a file holds, None if it holds neither."""
    for prefix in PREFIXES:
        if prefix and not header.has(prefix):
            continue
        text = _text_encoder(header, prefix)
        if text is not None:
            return EncoderSignature(reads_pictures=False, name=text)
    name = _image_encoder(header)
    return EncoderSignature(reads_pictures=True, name=name) if name else None


def _text_encoder(header: Header, prefix: str) -> str | None:
    if header.has(f"{prefix}text_model.head.", f"{prefix}vision_model."):
        # SigLIP whole; only its pictures are read for diffusion networks.
        return None
    found = _t5(header, prefix) or _language_model(header, prefix) or _clip(header, prefix)
    return found or next(
        (name for names, name in OTHER_TEXT_ENCODERS if header.has(*(prefix + part for part in names))), None
    )


def _first_width(header: Header, *keys: str, side: int = -1) -> int:
    """Width of the first of the tensors that is there and has so many sides, 0 if none is."""
    shapes = (header.shape(key) for key in keys)
    return next((shape[side] for shape in shapes if shape and len(shape) > 1), 0)


def _clip(header: Header, prefix: str) -> str | None:
    # Newer versions of transformers leave out what all names began with.
    for inner in (f"{prefix}text_model.", prefix):
        tokens, first = f"{inner}embeddings.token_embedding.weight", f"{inner}encoder.layers."
        if header.has(first) and (tokens in header or inner.endswith("text_model.")):
            width = _first_width(header, tokens, f"{first}0.self_attn.q_proj.weight")
            return CLIP_NAMES.get(width, "CLIP")
    if header.has(f"{prefix}transformer.resblocks.") and not header.has(f"{prefix}visual_projection."):
        width = _first_width(header, f"{prefix}token_embedding.weight", f"{prefix}positional_embedding")
        return CLIP_NAMES.get(width, "CLIP")
    return None


def _t5(header: Header, prefix: str) -> str | None:
    if not any(header.has(f"{prefix}encoder.block.{number}.layer.") for number in (0, 1)):
        return None
    words = _first_width(header, f"{prefix}shared.weight", f"{prefix}encoder.embed_tokens.weight", side=0)
    width = _first_width(
        header, f"{prefix}shared.weight", f"{prefix}encoder.block.0.layer.0.SelfAttention.q.weight"
    )
    name = T5_NAMES.get(width, "T5")
    return f"UM{name}" if words > UMT5_WORDS else name


def _language_model(header: Header, prefix: str) -> str | None:
    if not (header.has(f"{prefix}layers.") or header.has(f"{prefix}language_model.")):
        return None
    if not any(
        _has_layer(header, prefix, part) for part in ("input_layernorm.", "post_attention_layernorm.")
    ):
        return None
    inner = f"{prefix}language_model." if header.has(f"{prefix}language_model.layers.") else prefix
    first = f"{inner}layers.0."
    width = _first_width(
        header,
        f"{inner}embed_tokens.weight",
        f"{first}mlp.gate_proj.weight",
        f"{first}self_attn.q_proj.weight",
    )
    sees = header.has("visual.") or header.has("model.visual.")
    if header.has(f"{first}post_feedforward_layernorm."):
        return "Gemma 3" if f"{first}self_attn.q_norm.weight" in header else "Gemma 2"
    if f"{first}self_attn.q_norm.weight" in header:
        return "Qwen3-VL" if sees else QWEN3_NAMES.get(width, "Qwen3")
    if sees:
        return QWEN_VL_NAMES.get(width, "Qwen2.5-VL")
    return "Qwen2.5" if f"{first}self_attn.q_proj.bias" in header else "Llama"


def _has_layer(header: Header, prefix: str, part: str) -> bool:
    return any(
        header.has(f"{inner}layers.{number}.{part}")
        for inner in (prefix, f"{prefix}language_model.", f"{prefix}language_model.model.")
        for number in (0, 1)
    )


def _image_encoder(header: Header) -> str | None:
    for inner in ("vision_model.", ""):
        is_named = inner != "" or "embeddings.patch_embedding.weight" in header
        if header.has(f"{inner}encoder.layers.") and is_named:
            return "SigLIP" if header.has(f"{inner}head.") else "CLIP vision"
    if header.has("visual.transformer.resblocks.") or header.has("visual_projection."):
        return "CLIP vision"
    if header.has("embeddings.patch_embeddings.", "encoder.layer.") or "blocks.0.ls1.gamma" in header:
        return "DINOv2"
    if header.has("visual.blocks.0.attn.", "visual.patch_embed."):
        return "EVA CLIP"
    return None
