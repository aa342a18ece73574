"""Stable Diffusion 1: eight attention heads everywhere, CLIP ViT-L/14 read at its last layer."""

from webui.diffusion.latents import SD1_LATENTS
from webui.diffusion.text_encoder import Reading
from webui.models.architectures.family_plan import FamilyPlan, TowerPlan

CLIP_L = TowerPlan("quick_gelu", Reading("transformers", 0, "always", has_final_norm=True))
SD1 = FamilyPlan(unet_heads=8, unet_head_size=64, towers=(CLIP_L,), latent_format=SD1_LATENTS)
