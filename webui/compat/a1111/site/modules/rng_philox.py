"""Noise as an NVIDIA card draws it."""
# pyright: basic

from webui.diffusion.philox import PhiloxGenerator


class Generator:
    def __init__(self, seed):
        self.seed = seed
        self._generator = PhiloxGenerator(int(seed) % 2**64)

    def randn(self, shape):
        """float32, a numpy array."""
        return self._generator.randn(tuple(shape)).cpu().numpy()
