"""UniPC: names."""
# pyright: basic

from modules.models.diffusion.uni_pc import sampler, uni_pc  # noqa: F401
