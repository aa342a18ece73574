"""Which architecture a LoRA (in the wide sense) was trained for: by its modules' names, then by widths.

Names of blocks tell networks apart that have nothing in common; what is left are the U-Nets of Stable
Diffusion, which differ in the width of the text that cross attention reads and in where attention stands.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from webui.core.model_file import AdapterSort, Family
from webui.library.files.headers import Header
from webui.library.recognise.adapter_keys import (
    ENDS,
    AdapterKeys,
    input_width,
    is_point,
    output_width,
    split_names,
)

# What stands before the names of modules; the rest is the name inside the network. Of those with "." one can
# stand before another; of those with "_" there is one, and what follows may begin alike.
DOTTED_PREFIX = re.compile(r"^(?:base_model\.model\.|diffusion_model\.|transformer\.|unet\.|model\.|net\.)*")
KOHYA_PREFIX = re.compile(r"^(?:(?:lora|oft|lycoris)_unet_|lora_transformer_|lora_prior_unet_|lycoris_)")
PEFT_PREFIX = "base_model.model."
SECOND_TEXT = (
    "lora_te2_", "oft_te2_", "lycoris_te2_", "text_encoder_2_", "te2_", "clip_g_", "text_encoders_clip_g_",
    "conditioner_embedders_1_",
)  # fmt: skip
TEXT_PREFIXES = (
    *SECOND_TEXT, "lora_te", "oft_te", "lycoris_te", "text_encoder", "te_", "te1_", "te3_", "clip_l_",
    "clip_h_", "t5xxl_", "text_model_", "cond_stage_model_", "conditioner_embedders_",
)  # fmt: skip
BLOCK_NUMBER = re.compile(r"(blocks|layers|refiner)_\d+")
CONTEXT_WIDTHS = {768: Family.SD1, 1024: Family.SD2, 2048: Family.SDXL, 1280: Family.SDXL_REFINER}
# No level of a U-Net has these widths.
FACTOR_WIDTHS = {768: Family.SD1, 1024: Family.SD2, 2048: Family.SDXL}
TEXT_WIDTHS = {768: Family.SD1, 1024: Family.SD2, 1280: Family.SDXL}
# Blocks of double streams: 19 in Flux, 60 in Qwen-Image.
FLUX_BLOCKS = 19
FLUX_WIDTH, LUMINA_WIDTH, COSMOS_LARGE_WIDTH = 3072, 2304, 5120
HUNYUAN_IMAGE_WIDTH, OMNIGEN2_WIDTH = 3584, 2520
# Flux.2 feeds its gated layers with twice three widths, Flux feeds plain ones with four.
GATED_RATIO = 6
# Krea 2 has one key for four queries.
KEYS_PER_QUERY = 0.25


@dataclass(frozen=True)
class Modules:
    """Names inside the network (with "_" for ".") and the shapes of each, and names inside text encoders."""

    network: Mapping[str, Mapping[str, tuple[int, ...]]]
    text: Mapping[str, Mapping[str, tuple[int, ...]]]

    @classmethod
    def of(cls, adapter: AdapterKeys) -> "Modules":
        """Split into the network's and the text encoders'."""
        network, text = {}, {}
        for name, ends in adapter.modules.items():
            inner = name.removeprefix(PEFT_PREFIX).replace(".", "_")
            if inner.startswith(TEXT_PREFIXES):
                text[inner] = ends
            else:
                inner = DOTTED_PREFIX.sub("", name).replace(".", "_")
                network[KOHYA_PREFIX.sub("", inner)] = ends
        return cls(network, text)

    @cached_property
    def kinds(self) -> frozenset[str]:
        """Names of the network's modules, as if there were one block of each kind."""
        return frozenset(BLOCK_NUMBER.sub(r"\1_0", name) for name in self.network)

    def has(self, pattern: str) -> bool:
        """Whether a module of the network begins as the pattern says."""
        return any(re.match(pattern, name) for name in self.kinds)

    def inputs(self, pattern: str) -> set[int]:
        """Widths of what goes into the modules that begin as the pattern says."""
        found = {input_width(ends) for name, ends in self.network.items() if re.match(pattern, name)}
        return found - {0}

    def ratios(self, pattern: str) -> set[float]:
        """Of those modules, how many numbers come out for each that goes in."""
        pairs = (
            (input_width(ends), output_width(ends))
            for name, ends in self.network.items()
            if re.match(pattern, name)
        )
        return {after / before for before, after in pairs if before and after}


@dataclass(frozen=True, slots=True)
class Rule:
    """A LoRA is of the family if one of its modules begins as the pattern says, and if `also` holds."""

    family: Family
    pattern: str
    also: Callable[[Modules], bool] | None = None

    def holds(self, modules: Modules) -> bool:
        """Whether it is of the family."""
        return modules.has(self.pattern) and (self.also is None or self.also(modules))


def _is_gated(modules: Modules) -> bool:
    return GATED_RATIO in modules.ratios(r"double_blocks_\d+_(img|txt)_mlp_0$") or bool(
        modules.inputs(r"(single|double)_blocks_\d+_(linear1|img_attn_qkv|img_attn_proj)$") - {FLUX_WIDTH}
    )


def _has_many_blocks(modules: Modules) -> bool:
    numbers = (re.match(r"transformer_blocks_(\d+)_", name) for name in modules.network)
    return any(number is not None and int(number[1]) >= FLUX_BLOCKS for number in numbers)


def _is_wide(width: int, pattern: str) -> Callable[[Modules], bool]:
    return lambda modules: width in modules.inputs(pattern)


def _is_narrowed(modules: Modules) -> bool:
    return KEYS_PER_QUERY in modules.ratios(r"transformer_blocks_\d+_attn_to_[kv]$")


LAYERS = r"(layers|noise_refiner|context_refiner)_\d+_(attention|attn|feed_forward)_"
SINGLE_OR_DOUBLE = r"(single|double)_blocks_\d+_"
# Of PixArt's and Sana's authors.
ORIGINAL_BLOCKS = r"blocks_\d+_(attn_(qkv|proj)$|cross_attn_((kv|q)_linear|proj)$)"
BLOCKS = "transformer_blocks"
# Read from the top; names inside the network, "_" for ".". BLOCKS stand at the beginning of names only in
# transformers: in U-Nets they lie within others.
RULES: tuple[Rule, ...] = (
    Rule(Family.FLUX2, r"(double_stream_modulation|single_stream_modulation)"),
    Rule(Family.FLUX2, r"single_transformer_blocks_\d+_attn_(to_qkv_mlp_proj|to_out$)"),
    Rule(Family.FLUX2, r"transformer_blocks_\d+_ff(_context)?_linear_(in|out)"),
    Rule(Family.CHROMA, r"distilled_guidance_layer"),
    Rule(Family.HUNYUAN_IMAGE, r"context_embedder_token_refiner", _is_wide(3584, "context_embedder")),
    Rule(Family.HUNYUAN_IMAGE, SINGLE_OR_DOUBLE, _is_wide(HUNYUAN_IMAGE_WIDTH, SINGLE_OR_DOUBLE)),
    Rule(Family.HUNYUAN_VIDEO, r"txt_in_individual_token_refiner|context_embedder_token_refiner"),
    Rule(Family.HUNYUAN_VIDEO, r"double_blocks_\d+_(img|txt)_(mlp_fc\d|mod_linear)"),
    Rule(Family.HUNYUAN_VIDEO, r"single_blocks_\d+_modulation_linear"),
    Rule(Family.FLUX2, r"double_blocks|single_blocks", _is_gated),
    Rule(Family.FLUX, r"double_blocks|single_blocks"),
    Rule(Family.HIDREAM, r"(double|single)_stream_blocks"),
    Rule(Family.SD3, r"joint_blocks"),
    Rule(Family.AURAFLOW, r"(double|single)_layers|joint_transformer_blocks"),
    Rule(Family.QWEN_IMAGE, r"transformer_blocks_\d+_(img|txt)_(mlp|mod)"),
    Rule(Family.KREA2, r"text_fusion|transformer_blocks_\d+_(attn_to_gate|ff_(gate|up|down)$)"),
    Rule(Family.KREA2, r"transformer_blocks_\d+_attn_to_k", _is_narrowed),
    Rule(Family.SANA, r"transformer_blocks_\d+_ff_conv"),
    Rule(Family.LTX_VIDEO, r"patchify_proj"),
    Rule(
        Family.COSMOS,
        r"transformer_blocks_\d+_attn2",
        _is_wide(1024, r"transformer_blocks_\d+_attn2_to_[kv]"),
    ),
    Rule(Family.SANA, r"transformer_blocks_\d+_attn2", _is_wide(2240, BLOCKS)),
    Rule(Family.PIXART, r"transformer_blocks_\d+_attn2", _is_wide(1152, BLOCKS)),
    Rule(Family.LTX_VIDEO, r"transformer_blocks_\d+_attn2", _is_wide(2048, BLOCKS)),
    Rule(Family.LTX_VIDEO, r"transformer_blocks_\d+_attn2", _is_wide(4096, BLOCKS)),
    Rule(Family.MOCHI, r"transformer_blocks_\d+_attn1_(add|to_add)"),
    Rule(Family.COGVIEW, r"transformer_blocks_\d+_attn1", _is_wide(4096, BLOCKS)),
    Rule(Family.COGVIEW, r"transformer_blocks_\d+_attn1", _is_wide(2560, BLOCKS)),
    Rule(Family.LTX_VIDEO, r"transformer_blocks_\d+_attn1", _is_wide(2048, BLOCKS)),
    Rule(Family.COGVIDEO, r"transformer_blocks_\d+_attn1"),
    Rule(Family.FLUX2, r"single_transformer_blocks", _is_wide(6144, "single_transformer_blocks")),
    Rule(Family.HUNYUAN_IMAGE, r"single_transformer_blocks", _is_wide(3584, "single_transformer_blocks")),
    Rule(Family.FLUX, r"single_transformer_blocks"),
    Rule(Family.QWEN_IMAGE, r"transformer_blocks_\d+_attn", _has_many_blocks),
    Rule(Family.FLUX, r"transformer_blocks_\d+_(ff_|norm1)", _is_wide(FLUX_WIDTH, BLOCKS)),
    Rule(Family.QWEN_IMAGE, r"transformer_blocks_\d+_attn", _is_wide(FLUX_WIDTH, BLOCKS)),
    Rule(Family.SD3, BLOCKS, _is_wide(1536, BLOCKS)),
    Rule(Family.SD3, BLOCKS, _is_wide(2432, BLOCKS)),
    Rule(Family.FLUX2, BLOCKS, _is_wide(6144, BLOCKS)),
    Rule(Family.PIXART, BLOCKS, _is_wide(1152, BLOCKS)),
    Rule(Family.LTX_VIDEO, BLOCKS, _is_wide(2048, BLOCKS)),
    Rule(Family.COGVIDEO, BLOCKS, _is_wide(1920, BLOCKS)),
    Rule(Family.OMNIGEN2, r"ref_image_refiner"),
    Rule(Family.OMNIGEN2, LAYERS, _is_wide(OMNIGEN2_WIDTH, LAYERS)),
    Rule(Family.LUMINA2, LAYERS, _is_wide(LUMINA_WIDTH, LAYERS)),
    Rule(Family.Z_IMAGE, LAYERS),
    Rule(Family.KREA2, r"txtfusion|txtmlp|tproj|blocks_\d+_attn_(gate|w[qkvo])"),
    Rule(
        Family.COSMOS,
        r"blocks_\d+_((self|cross)_attn_\w+_proj|adaln)",
        _is_wide(COSMOS_LARGE_WIDTH, "blocks"),
    ),
    Rule(Family.ANIMA, r"llm_adapter|blocks_\d+_(adaln_modulation|(self|cross)_attn_\w+_proj|mlp_layer)"),
    Rule(Family.SANA, ORIGINAL_BLOCKS, _is_wide(2240, ORIGINAL_BLOCKS)),
    Rule(Family.PIXART, ORIGINAL_BLOCKS, _is_wide(1152, ORIGINAL_BLOCKS)),
    Rule(Family.PIXART, r"blocks_\d+_cross_attn_(kv|q)_linear"),
    Rule(Family.WAN, r"blocks_\d+_((self|cross)_attn_(q|k|v|o|k_img|v_img)(_|$)|ffn_)|vace_blocks"),
    Rule(Family.WAN, r"blocks_\d+_attn[12]_(to_|add_)"),
    Rule(Family.HUNYUAN_DIT, r"blocks_\d+_attn[12]_(Wqkv|q_proj|kv_proj)"),
    Rule(Family.MOCHI, r"blocks_\d+_attn_qkv_[xy]"),
    Rule(Family.KANDINSKY, r"(visual|text)_transformer_blocks"),
)
UNET_BLOCKS = r"(down_blocks|up_blocks|mid_block|input_blocks|output_blocks|middle_block)_"
UNET = UNET_BLOCKS + r"|(time_emb|label_emb|add_emb|out_|conv_)"
# Of SDXL: attention is deeper than one layer, and stands where SD1 and SD2 have none or the other way round.
DEEP_ATTENTION = re.compile(UNET_BLOCKS + r"\w*transformer_blocks_[1-9]")
NOT_SDXL = re.compile(
    r"(down_blocks_0_attentions|up_blocks_3_|down_blocks_3_|up_blocks_2_attentions"
    r"|input_blocks_([12]_1|1[01]_)|output_blocks_(9|1[01])_)"
)
ONLY_SDXL = re.compile(
    r"(up_blocks_0_attentions|output_blocks_[012]_1_(proj|transformer)|label_emb|add_embedding)"
)
# SDXL has three levels, so its last up blocks are narrower than those of the same numbers elsewhere.
NARROW_BLOCKS = {
    "up_blocks_1_resnets_": 640, "up_blocks_2_resnets_": 320, "output_blocks_3_0_": 640,
    "output_blocks_4_0_": 640, "output_blocks_5_0_": 640, "output_blocks_6_0_": 320,
    "output_blocks_7_0_": 320, "output_blocks_8_0_": 320,
}  # fmt: skip
CROSS_ATTENTION = re.compile(r"attn2_(processor_)?to_[kv]")


def is_adapter(header: Header) -> bool:
    """Whether some tensor has a name that only adapters have."""
    # Networks packed by SVDQuant carry small matrices of their own beside the packed ones.
    if any(key.endswith(".qweight") for key in header.tensors):
        return False
    return any(
        parts is not None and ENDS.get(parts[1], AdapterSort.LORA) is not None
        for parts in split_names(header.tensors)
    )


def adapter_family(adapter: AdapterKeys, metadata: Mapping[str, str]) -> Family:
    """Architecture of an adapter."""
    modules = Modules.of(adapter)
    # Most files are for a U-Net of Stable Diffusion, whose blocks no rule knows.
    if not modules.has(UNET_BLOCKS):
        family = next((rule.family for rule in RULES if rule.holds(modules)), None)
        if family is not None:
            return family
    if any("lora_prior" in name for name in adapter.modules):
        return Family.CASCADE
    if any(re.search("(encoder_block|t5xxl)", name) for name in modules.text):
        return Family.FLUX
    family = _unet_family(modules) if modules.has(UNET) or not modules.network else _by_context(modules)
    if family is None and modules.network and not modules.has(UNET):
        return Family.OTHER
    return family or _by_metadata(metadata)


def _unet_family(modules: Modules) -> Family | None:
    """SD1, SD2, SDXL or its refiner; None if the modules do not tell."""
    by_context = _by_context(modules)
    if by_context is not None:
        return by_context
    if any(name.startswith(SECOND_TEXT) for name in modules.text):
        return Family.SDXL
    names = modules.network
    if any(_is_of_sdxl(name, ends) for name, ends in names.items()):
        return Family.SDXL
    by_text = _by_text_width(modules)
    if by_text is not None:
        return by_text
    if any(re.match(r"lora_te1_", name) for name in modules.text):
        return Family.SDXL
    return _by_projection(modules) if any(NOT_SDXL.match(name) for name in names) else None


def _is_of_sdxl(name: str, ends: Mapping[str, tuple[int, ...]]) -> bool:
    """Whether a module stands where SD1 and SD2 have none, or has SDXL's width where those have another."""
    if DEEP_ATTENTION.search(name) or ONLY_SDXL.match(name):
        return True
    return any(
        name.startswith(beginning) and output_width(ends) == width
        for beginning, width in NARROW_BLOCKS.items()
    )


def _by_context(modules: Modules) -> Family | None:
    """By the width of the text that cross attention reads."""
    return _first(
        CONTEXT_WIDTHS.get(input_width(ends)) or _by_factors(ends.get("ia3_l", ()))
        for name, ends in modules.network.items()
        if CROSS_ATTENTION.search(name)
    )


def _by_factors(shape: tuple[int, ...]) -> Family | None:
    """By IA3's factors, of inputs or of outputs; those of outputs are as wide as the network."""
    return next((FACTOR_WIDTHS[side] for side in shape if side in FACTOR_WIDTHS), None)


def _by_text_width(modules: Modules) -> Family | None:
    """By the width of a text encoder that is alone."""
    if any(re.match(r"(lora_te1_|clip_l)", name) for name in modules.text):
        return None
    return _first(
        TEXT_WIDTHS.get(input_width(ends) or output_width(ends))
        for name, ends in modules.text.items()
        if re.search(r"self_attn_(q|k|v|out)_proj", name)
    )


def _by_projection(modules: Modules) -> Family:
    """SD1 has convolutions of one point around its attention where SD2 has matrices."""
    told = (
        is_point(ends) for name, ends in modules.network.items() if name.endswith(("_proj_in", "_proj_out"))
    )
    return Family.SD2 if next((point for point in told if point is not None), True) is False else Family.SD1


def _first(families: Iterable[Family | None]) -> Family | None:
    return next((family for family in families if family is not None), None)


def _by_metadata(metadata: Mapping[str, str]) -> Family:
    """From what the trainer wrote (A1111's rule), UNKNOWN without metadata."""
    base = metadata.get("ss_base_model_version", "") or metadata.get("modelspec.architecture", "")
    if base.startswith(("sdxl", "stable-diffusion-xl")):
        return Family.SDXL
    if metadata.get("ss_v2") == "True" or base.startswith(("sd_v2", "stable-diffusion-v2")):
        return Family.SD2
    return Family.SD1 if any(key.startswith("ss_") for key in metadata) else Family.UNKNOWN
