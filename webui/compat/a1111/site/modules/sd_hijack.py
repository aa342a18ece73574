"""What A1111 puts around the checkpoint: embeddings, the lengths of prompts, the layers of its networks."""
# pyright: basic

from webui.compat.a1111.denoising.hijack import Hijack, Optimization, optimizations

optimizers = optimizations()
current_optimizer = optimizers[0]


class StableDiffusionModelHijack(Hijack):
    """Knows the checkpoint; changes nothing of it."""


class EmbeddingsWithFixes:
    """A name."""


model_hijack = StableDiffusionModelHijack()


def list_optimizers():
    from modules import script_callbacks

    optimizers[:] = [*optimizations(), *script_callbacks.list_optimizers_callback()]


def apply_optimizations(option=None):
    """Nothing: settings choose the attention of this program. Says which it is."""
    return current_optimizer.name


def undo_optimizations():
    """Nothing."""


def fix_checkpoint():
    """Nothing."""


def weighted_forward(*args, **kwargs):
    """Nothing."""


SdOptimization = Optimization
