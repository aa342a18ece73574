# pyright: basic
"""Pictures cut around what the eye goes to: Extras does it (Auto focal point crop)."""

from webui.compat.a1111.facades import reaching
from webui.compat.a1111.facades.stand_ins import StandIn, absent

EXTRAS = "Extras cuts pictures around their focal point: 'Auto focal point crop'."


class Settings:
    """What A1111's crop was told."""

    def __init__(
        self, crop_width=512, crop_height=512, corner_points_weight=0.5, entropy_points_weight=0.5,
        face_points_weight=0.5, annotate_image=False, dnn_model_path=None,
    ):  # fmt: skip
        self.crop_width, self.crop_height = crop_width, crop_height
        self.corner_points_weight = corner_points_weight
        self.entropy_points_weight = entropy_points_weight
        self.face_points_weight = face_points_weight
        self.annotate_image = annotate_image
        self.dnn_model_path = dnn_model_path


class PointOfInterest:
    def __init__(self, x, y, weight=1.0, size=10):
        self.x, self.y, self.weight, self.size = x, y, weight, size


def download_and_cache_models(dirname=None):
    """The path of the face detector that lies in models/opencv; None without it."""
    found = sorted((reaching.models_folder() / "opencv").glob("*yunet*.onnx"))
    return str(found[0]) if found else None


crop_image = StandIn("modules.textual_inversion.autocrop.crop_image", EXTRAS)
focal_point = StandIn("modules.textual_inversion.autocrop.focal_point", EXTRAS)


def __getattr__(name):
    absent("modules.textual_inversion.autocrop", name)
