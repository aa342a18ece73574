"""Infotext fields that stand for settings: the entries of A1111's "Override settings" box."""

from collections.abc import Mapping
from typing import NamedTuple

Value = str | bool | int | float


class OverrideSetting(NamedTuple):
    """A field's key in infotext, the key of the option it sets, and the value for it."""

    field: str
    option: str
    value: Value


# In the order of A1111's settings page. The value is A1111's default, and its type the option's.
OVERRIDABLE: tuple[OverrideSetting, ...] = (
    OverrideSetting("Face restoration", "face_restoration", False),
    OverrideSetting("Old prompt editing timelines", "use_old_scheduling", False),
    OverrideSetting("Downcast alphas_cumprod", "use_downcasted_alpha_bar", False),
    OverrideSetting("Refiner switch by sampling steps", "refiner_switch_by_sample_steps", False),
    OverrideSetting("NGMS", "s_min_uncond", 0.0),
    OverrideSetting("NGMS all steps", "s_min_uncond_all", False),
    OverrideSetting("Token merging ratio", "token_merging_ratio", 0.0),
    OverrideSetting("Token merging ratio hr", "token_merging_ratio_hr", 0.0),
    OverrideSetting("Pad conds", "pad_cond_uncond", False),
    OverrideSetting("Pad conds v0", "pad_cond_uncond_v0", False),
    OverrideSetting("Eta DDIM", "eta_ddim", 0.0),
    OverrideSetting("Eta", "eta_ancestral", 1.0),
    OverrideSetting("Sigma churn", "s_churn", 0.0),
    OverrideSetting("Sigma tmin", "s_tmin", 0.0),
    OverrideSetting("Sigma tmax", "s_tmax", 0.0),
    OverrideSetting("Sigma noise", "s_noise", 1.0),
    OverrideSetting("Schedule min sigma", "sigma_min", 0.0),
    OverrideSetting("Schedule max sigma", "sigma_max", 0.0),
    OverrideSetting("Schedule rho", "rho", 0.0),
    OverrideSetting("ENSD", "eta_noise_seed_delta", 0),
    OverrideSetting("Discard penultimate sigma", "always_discard_next_to_last_sigma", False),
    OverrideSetting("SGM noise multiplier", "sgm_noise_multiplier", False),
    OverrideSetting("UniPC variant", "uni_pc_variant", "bh1"),
    OverrideSetting("UniPC skip type", "uni_pc_skip_type", "time_uniform"),
    OverrideSetting("UniPC order", "uni_pc_order", 3),
    OverrideSetting("UniPC lower order final", "uni_pc_lower_order_final", True),
    OverrideSetting("Noise Schedule", "sd_noise_schedule", "Default"),
    OverrideSetting("Skip Early CFG", "skip_early_cond", 0.0),
    # A1111 writes "schedule" and reads "scheduler", and so loses them; both are read here.
    OverrideSetting("Beta schedule alpha", "beta_dist_alpha", 0.6),
    OverrideSetting("Beta scheduler alpha", "beta_dist_alpha", 0.6),
    OverrideSetting("Beta schedule beta", "beta_dist_beta", 0.6),
    OverrideSetting("Beta scheduler beta", "beta_dist_beta", 0.6),
    OverrideSetting("Emphasis", "emphasis", "Original"),
    OverrideSetting("Clip skip", "CLIP_stop_at_last_layers", 1),
    OverrideSetting("RNG", "randn_source", "GPU"),
    OverrideSetting("Tiling", "tiling", False),
    OverrideSetting("Hires refiner", "hires_fix_refiner_pass", "second pass"),
    OverrideSetting("VAE", "sd_vae", "Automatic"),
    OverrideSetting("VAE Encoder", "sd_vae_encode_method", "Full"),
    OverrideSetting("VAE Decoder", "sd_vae_decode_method", "Full"),
    OverrideSetting("Conditional mask weight", "inpainting_mask_weight", 1.0),
    OverrideSetting("Noise multiplier", "initial_noise_multiplier", 1.0),
    OverrideSetting("Extra noise", "img2img_extra_noise", 0.0),
    OverrideSetting("Hypertile U-Net", "hypertile_enable_unet", False),
    OverrideSetting("Hypertile U-Net second pass", "hypertile_enable_unet_secondpass", False),
    OverrideSetting("Hypertile U-Net max depth", "hypertile_max_depth_unet", 3),
    OverrideSetting("Hypertile U-Net max tile size", "hypertile_max_tile_unet", 256),
    OverrideSetting("Hypertile U-Net swap size", "hypertile_swap_size_unet", 3),
    OverrideSetting("Hypertile VAE", "hypertile_enable_vae", False),
    OverrideSetting("Hypertile VAE max depth", "hypertile_max_depth_vae", 3),
    OverrideSetting("Hypertile VAE max tile size", "hypertile_max_tile_vae", 128),
    OverrideSetting("Hypertile VAE swap size", "hypertile_swap_size_vae", 3),
)


def override_settings(
    fields: Mapping[str, object], current: Mapping[str, object] | None = None
) -> tuple[OverrideSetting, ...]:
    """Settings that an infotext's fields ask for and that differ from the current ones.

    Args:
        fields: As `webui.core.infotext.parse_fields` gives them.
        current: Values by option key; A1111's defaults stand for those missing.
    """
    current = current or {}
    found: list[OverrideSetting] = []
    for field, option, default in OVERRIDABLE:
        value = _as_type_of(default, fields.get(field))
        if value is not None and value != current.get(option, default):
            found.append(OverrideSetting(field, option, value))
    return tuple(found)


def _as_type_of(default: Value, value: object) -> Value | None:
    """A field's value in the type of its option; None if it is missing or of no such type."""
    if value is None:
        return None
    if isinstance(default, bool):
        return value != "False" and bool(value)
    try:
        return type(default)(str(value))
    except ValueError:
        return None
