# pyright: basic
"""A1111 patches torch's layers here; this program patches nothing."""

from webui.compat.a1111.facades.stand_ins import absent


class LoraPatches:
    def undo(self) -> None:
        """Nothing to do."""


def __getattr__(name):
    absent("lora_patches", name)
