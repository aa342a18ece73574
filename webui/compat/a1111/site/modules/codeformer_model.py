# pyright: basic
"""CodeFormer, by our face restorers."""

from webui.compat.a1111.facades.restorer_classes import OwnRestorer
from webui.compat.a1111.facades.stand_ins import absent
from webui.library.catalog.upscaler_names import CODEFORMER

model_url = None
model_download_name = "codeformer-v0.1.0.pth"


class FaceRestorerCodeFormer(OwnRestorer):
    def __init__(self, dirname=None):
        super().__init__(CODEFORMER)


codeformer = FaceRestorerCodeFormer()


def setup_model(dirname) -> None:
    """Have it among shared.face_restorers, once."""
    from modules import shared

    if codeformer not in shared.face_restorers:
        shared.face_restorers.append(codeformer)


def __getattr__(name):
    absent("modules.codeformer_model", name)
