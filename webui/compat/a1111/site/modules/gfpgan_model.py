# pyright: basic
"""GFPGAN, by our face restorers."""

from webui.compat.a1111.facades.restorer_classes import OwnRestorer
from webui.compat.a1111.facades.stand_ins import absent
from webui.library.catalog.upscaler_names import GFPGAN

model_url = None
model_download_name = "GFPGANv1.4.pth"


class FaceRestorerGFPGAN(OwnRestorer):
    def __init__(self, model_path=None):
        super().__init__(GFPGAN)


gfpgan_face_restorer = FaceRestorerGFPGAN()


def gfpgan_fix_faces(np_image):
    return gfpgan_face_restorer.restore(np_image)


def setup_model(dirname) -> None:
    """Have it among shared.face_restorers, once."""
    from modules import shared

    if gfpgan_face_restorer not in shared.face_restorers:
        shared.face_restorers.append(gfpgan_face_restorer)


def __getattr__(name):
    absent("modules.gfpgan_model", name)
