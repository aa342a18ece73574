# pyright: basic
"""Faces found and restored: the program does it whole, so its steps are not offered apart."""

from webui.compat.a1111.facades.restorer_classes import BaseRestorer as FaceRestoration
from webui.compat.a1111.facades.stand_ins import StandIn, absent

WHOLE = "Use shared.face_restorers[n].restore(picture), which finds, restores and lays back all faces."


class CommonFaceRestoration(FaceRestoration):
    """A base of restorers with one file; `net` and `load_net` are its own."""

    net = None
    model_url = ""
    model_download_name = None

    def __init__(self, model_path):
        self.model_path = model_path

    def load_net(self):
        raise NotImplementedError

    def send_model_to(self, device):
        """Nothing to do."""


bgr_image_to_rgb_tensor = StandIn("modules.face_restoration_utils.bgr_image_to_rgb_tensor", WHOLE)
rgb_tensor_to_bgr_image = StandIn("modules.face_restoration_utils.rgb_tensor_to_bgr_image", WHOLE)
create_face_helper = StandIn("modules.face_restoration_utils.create_face_helper", WHOLE)
restore_with_face_helper = StandIn("modules.face_restoration_utils.restore_with_face_helper", WHOLE)
patch_facexlib = StandIn("modules.face_restoration_utils.patch_facexlib", WHOLE)


def __getattr__(name):
    absent("modules.face_restoration_utils", name)
