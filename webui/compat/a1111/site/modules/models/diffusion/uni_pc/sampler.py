"""The sampler UniPC of A1111 before 1.6: a name."""
# pyright: basic

from modules.models.diffusion.uni_pc import uni_pc


class UniPCSampler:
    def __init__(self, model, **kwargs):
        uni_pc.NoiseScheduleVP()
