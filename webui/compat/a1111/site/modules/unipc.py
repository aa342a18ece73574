"""An older name of modules.models.diffusion.uni_pc."""
# pyright: basic

from modules.models.diffusion.uni_pc import sampler, uni_pc  # noqa: F401
