"""SDXL and its refiner (Podell et al. 2023): two text encoders, and a vector of pooled text and sizes."""

from webui.diffusion.latents import SDXL_LATENTS
from webui.diffusion.text_encoder import Reading
from webui.models.architectures.family_plan import FamilyPlan, TowerPlan

CLIP_L = TowerPlan("quick_gelu", Reading("transformers", 1, "on request", has_final_norm=False))
OPEN_CLIP_G = TowerPlan("gelu", Reading("open_clip", 1, "never", has_final_norm=False, gives_pooled=True))
# Original size, crop and target size: two numbers each.
SDXL = FamilyPlan(
    unet_heads=None,
    unet_head_size=64,
    towers=(CLIP_L, OPEN_CLIP_G),
    latent_format=SDXL_LATENTS,
    vector_numbers=6,
)
# Original size and crop, and the aesthetic score.
SDXL_REFINER = FamilyPlan(
    unet_heads=None,
    unet_head_size=64,
    towers=(OPEN_CLIP_G,),
    latent_format=SDXL_LATENTS,
    vector_numbers=5,
    has_score=True,
)
