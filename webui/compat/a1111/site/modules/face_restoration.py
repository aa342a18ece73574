# pyright: basic
"""Faces restored by name."""

from webui.compat.a1111.facades.restorer_classes import BaseRestorer as FaceRestoration
from webui.compat.a1111.facades.stand_ins import absent

__all__ = ["FaceRestoration"]


def restore_faces(np_image):
    """A picture (H, W, 3) with its faces restored by what the settings choose; without one as it is."""
    from modules import shared

    chosen = getattr(shared.opts, "face_restoration_model", None)
    found = [each for each in shared.face_restorers if each.name() == chosen or chosen is None]
    return found[0].restore(np_image) if found else np_image


def __getattr__(name):
    if name == "shared":
        from modules import shared

        return shared
    absent("modules.face_restoration", name)
