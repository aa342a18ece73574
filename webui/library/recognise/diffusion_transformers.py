"""Diffusion networks that are no U-Net of Stable Diffusion, identified by the names of their first modules.

The names are those of the authors' published code and of diffusers; both stand in the table.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from webui.core.model_file import Family
from webui.library.files.headers import Header

# What programs put before the names of the network itself.
PREFIXES = (
    "model.diffusion_model.", "diffusion_model.", "model.model.", "control_model.", "transformer/", "unet/",
    "transformer.", "net.", "module.", "model.", "",
)  # fmt: skip
# Embedded captions of Z-Image (Qwen3 4B) have this width; those of Lumina 2 come from Gemma 2 2B.
Z_IMAGE_WIDTH, QWEN3_WIDTH = 3840, 2560
VIDEO_DIMENSIONS, MATRIX, T5_WIDTH = 5, 2, 4096
# Modules of networks that have Flux's blocks and read T5 but are told the time or the text otherwise.
UNLIKE_FLUX = ("time_embed.", "condition_embedder.", "context_embedder.linear_1.")
# bitsandbytes packs four bits a number into one column.
PACKED_WIDTH = 1


@dataclass(frozen=True, slots=True)
class View:
    """A header's names without a prefix."""

    header: Header
    prefix: str

    def __contains__(self, name: str) -> bool:
        """Whether a tensor, or with "." at its end a module, of that name exists."""
        full = self.prefix + name
        return self.header.has(full) if name.endswith(".") else full in self.header

    def shape(self, name: str) -> tuple[int, ...]:
        """Shape of a tensor, () if there is none."""
        return self.header.shape(self.prefix + name) or ()


@dataclass(frozen=True, slots=True)
class Signature:
    """A network is of the family if it has all of the names, and if `also` holds."""

    family: Family
    names: tuple[str, ...]
    also: Callable[[View], bool] | None = None

    def fits(self, view: View) -> bool:
        """Whether a view has the names."""
        return all(name in view for name in self.names) and (self.also is None or self.also(view))


def _is_z_image(view: View) -> bool:
    if "x_pad_token" in view or "cap_pad_token" in view or "all_x_embedder." in view:
        return True
    captions = (view.shape("cap_embedder.1.weight"), view.shape("cap_embedder.0.weight"))
    return any(shape and shape[-1] in {Z_IMAGE_WIDTH, QWEN3_WIDTH} for shape in captions) or (
        "layers.0.adaLN_modulation.0.weight" in view
    )


def _is_video(view: View) -> bool:
    shape = view.shape("img_in.proj.weight") or view.shape("x_embedder.proj.weight")
    return len(shape) in {0, VIDEO_DIMENSIONS}


def _reads_t5(view: View) -> bool:
    """Flux reads T5-XXL; networks built after it read other encoders, of other widths, or name modules
    otherwise.
    """
    shape = view.shape("context_embedder.weight") or view.shape("txt_in.weight")
    is_as_wide = len(shape) < MATRIX or shape[1] in {T5_WIDTH, PACKED_WIDTH}
    return is_as_wide and not any(name in view for name in UNLIKE_FLUX)


def _has_cross_attention(view: View) -> bool:
    return "blocks.0.cross_attn." in view or "blocks.0.attn2." in view


# Read from the top; narrower signatures stand before wider ones.
SIGNATURES: tuple[Signature, ...] = (
    Signature(Family.FLUX2, ("double_stream_modulation_img.",)),
    Signature(Family.CHROMA, ("distilled_guidance_layer.",)),
    Signature(Family.HUNYUAN_VIDEO, ("double_blocks.", "txt_in.individual_token_refiner."), _is_video),
    Signature(Family.HUNYUAN_IMAGE, ("double_blocks.", "txt_in.individual_token_refiner.")),
    Signature(Family.HUNYUAN_VIDEO, ("context_embedder.token_refiner.",), _is_video),
    Signature(Family.HUNYUAN_IMAGE, ("context_embedder.token_refiner.",)),
    Signature(Family.FLUX3, ("early_stream_modulations.",)),
    Signature(Family.FLUX, ("double_blocks.",), _reads_t5),
    Signature(Family.AURAFLOW, ("double_layers.",)),
    Signature(Family.AURAFLOW, ("joint_transformer_blocks.",)),
    Signature(Family.SD3, ("joint_blocks.",)),
    Signature(Family.SD3, ("transformer_blocks.", "context_embedder.", "pos_embed.")),
    Signature(Family.SD3, ("transformer_blocks.", "pos_embed_input.")),
    Signature(Family.QWEN_IMAGE, ("transformer_blocks.", "txt_norm.weight")),
    Signature(Family.QWEN_IMAGE, ("transformer_blocks.0.img_mlp.",)),
    Signature(Family.QWEN_IMAGE, ("transformer_blocks.0.img_mod.",)),
    Signature(Family.FLUX, ("single_transformer_blocks.", "transformer_blocks."), _reads_t5),
    Signature(Family.OTHER, ("single_transformer_blocks.",)),
    Signature(Family.FLUX, ("transformer_blocks.", "controlnet_blocks.", "controlnet_x_embedder.")),
    Signature(Family.OMNIGEN2, ("ref_image_refiner.",)),
    Signature(Family.Z_IMAGE, ("context_refiner.",), _is_z_image),
    Signature(Family.Z_IMAGE, ("control_layers.",)),
    Signature(Family.Z_IMAGE, ("control_noise_refiner.",)),
    Signature(Family.Z_IMAGE, ("noise_refiner.",), _is_z_image),
    Signature(Family.LUMINA2, ("noise_refiner.",)),
    Signature(Family.LUMINA2, ("context_refiner.",)),
    Signature(Family.ANIMA, ("llm_adapter.",)),
    Signature(Family.COSMOS, ("blocks.0.adaln_modulation_cross_attn.",)),
    Signature(Family.COSMOS, ("blocks.block0.",)),
    Signature(Family.COSMOS, ("time_embed.t_embedder.", "patch_embed.")),
    Signature(Family.KREA2, ("txtfusion.",)),
    Signature(Family.KREA2, ("text_fusion.", "transformer_blocks.")),
    Signature(Family.KREA2, ("tproj.", "txtmlp.")),
    Signature(Family.WAN, ("time_projection.", "blocks.")),
    Signature(Family.WAN, ("patch_embedding.", "blocks."), _has_cross_attention),
    Signature(Family.WAN, ("head.modulation", "blocks.")),
    Signature(Family.WAN, ("vace_blocks.",)),
    Signature(Family.HUNYUAN_DIT, ("mlp_t5.",)),
    Signature(Family.HUNYUAN_DIT, ("time_extra_emb.", "blocks.")),
    Signature(Family.LTX_VIDEO, ("patchify_proj.",)),
    Signature(Family.LTX_VIDEO, ("transformer_blocks.", "proj_in.", "caption_projection.", "time_embed.")),
    Signature(Family.SANA, ("attention_y_norm.weight",)),
    Signature(Family.SANA, ("caption_norm.weight",)),
    Signature(Family.PIXART, ("t_block.", "y_embedder.")),
    Signature(Family.PIXART, ("controlnet.controlnet_blocks.0.copied_block.cross_attn.",)),
    Signature(Family.PIXART, ("controlnet.controlnet_blocks.0.copied_block.attn.qkv.",)),
    Signature(Family.PIXART, ("adaln_single.", "pos_embed.")),
    Signature(Family.PIXART, ("adaln_single.", "caption_projection.")),
    Signature(Family.HIDREAM, ("double_stream_blocks.",)),
    Signature(Family.MOCHI, ("t5_yproj.",)),
    Signature(Family.MOCHI, ("time_embed.pooler.", "transformer_blocks.")),
    Signature(Family.COGVIEW, ("time_condition_embed.", "transformer_blocks.")),
    Signature(Family.COGVIDEO, ("patch_embed.text_proj.", "transformer_blocks.")),
    Signature(Family.KANDINSKY, ("visual_transformer_blocks.",)),
    Signature(Family.KANDINSKY, ("add_embedding.image_norm.",)),
    Signature(Family.CASCADE, ("clip_txt_mapper.",)),
    Signature(Family.CASCADE, ("effnet_mapper.",)),
    Signature(Family.CASCADE, ("clip_mapper.",)),
)
# Modules that diffusion transformers share; a network with one of them and of no known family is another.
SHARED_NAMES = (
    "x_embedder.", "t_embedder.", "final_layer.", "patch_embedding.", "time_in.", "img_in.",
    "time_text_embed.", "adaln_single.", "transformer.rotary_pos_emb.inv_freq", "time_embed.",
    "time_embedder.", "time_embedding.", "t_embedding.", "timestep_embedder.", "timestep_proj.",
    "to_timestep_embed.", "condition_embedder.", "vid_in.",
)  # fmt: skip


def views(header: Header) -> Iterator[View]:
    """The header under each prefix that some name has."""
    return (View(header, prefix) for prefix in PREFIXES if not prefix or header.has(prefix))


def diffusion_family(header: Header) -> Family | None:
    """Family of a diffusion network that is no Stable Diffusion U-Net: OTHER if it is of none that is known,
    None if it is no diffusion network.
    """
    seen = tuple(views(header))
    for view in seen:
        for signature in SIGNATURES:
            if signature.fits(view):
                return signature.family
    return Family.OTHER if any(name in view for view in seen for name in SHARED_NAMES) else None


def is_whole(header: Header) -> bool:
    """Whether a text encoder or a VAE lies beside the diffusion network."""
    parts = (
        "first_stage_model.", "vae.", "text_encoders.", "text_encoder.", "cond_stage_model.", "conditioner.",
        "vqgan.", "vae/",
    )  # fmt: skip
    return any(header.has(part) for part in parts)
