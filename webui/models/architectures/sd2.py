"""Stable Diffusion 2: heads of size 64, OpenCLIP ViT-H/14 read one layer before its last.

Its eps and v networks have equal shapes: where no sidecar or metadata tells them apart, they are tried
(`is_probed`).
"""

from webui.diffusion.latents import SD1_LATENTS
from webui.diffusion.text_encoder import Reading
from webui.models.architectures.family_plan import FamilyPlan, TowerPlan

OPEN_CLIP_H = TowerPlan("gelu", Reading("open_clip", 1, "never", has_final_norm=True))
SD2 = FamilyPlan(
    unet_heads=None, unet_head_size=64, towers=(OPEN_CLIP_H,), latent_format=SD1_LATENTS, is_probed=True
)
