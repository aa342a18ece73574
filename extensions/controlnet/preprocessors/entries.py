"""Every preprocessor by the name that artists know it by. Light: no network and no OpenCV is loaded here."""

from extensions.controlnet.preprocessors.registry import RESOLUTION, Preprocessor, Slider
from extensions.controlnet.preprocessors.weighted import OF_LINES, WITH_WEIGHTS

LINES = "extensions.controlnet.preprocessors.lines"
COLOURS = "extensions.controlnet.preprocessors.colours"
GAMMA = Slider("Gamma Correction", 0.1, 2.0, 1.0, 0.001)
FIDELITY = Slider('Style Fidelity (only for "Balanced" mode)', 0.0, 1.0, 0.5, 0.01)
WITHOUT_WEIGHTS = (
    Preprocessor(
        "none",
        (),
        f"{COLOURS}:unchanged",
        "The picture as it is: a map that is ready, such as a painted depth map or a skeleton.",
        aliases=("None", ""),
    ),
    Preprocessor(
        "canny",
        ("Canny", "T2I-Adapter"),
        f"{LINES}:canny",
        "Hard edges, white on black.",
        RESOLUTION,
        Slider("Canny Low Threshold", 1, 255, 100, 1),
        Slider("Canny High Threshold", 1, 255, 200, 1),
    ),
    Preprocessor(
        "softedge_gradient",
        ("SoftEdge",),
        f"{LINES}:softedge",
        "Soft edges by how fast colours change. Needs no network.",
        RESOLUTION,
        aliases=("softedge_opencv",),
    ),
    Preprocessor(
        "scribble_xdog",
        ("Scribble",),
        f"{LINES}:scribble_xdog",
        "Rough strokes. Needs no network.",
        RESOLUTION,
        Slider("XDoG Threshold", 1, 64, 32, 1),
    ),
    Preprocessor(
        "scribble_gradient",
        ("Scribble",),
        f"{LINES}:scribble_softedge",
        "Strokes along the soft edges. Needs no network.",
        RESOLUTION,
    ),
    Preprocessor(
        "lineart_standard (from white bg & black line)",
        ("Lineart",),
        f"{LINES}:lineart_standard",
        "A drawing on white paper as white lines on black. Needs no network.",
        RESOLUTION,
        aliases=("lineart_standard", "standard_lineart"),
    ),
    Preprocessor(
        "invert (from white bg & black line)",
        ("Canny", "Lineart", "SoftEdge", "Scribble", "MLSD"),
        f"{COLOURS}:invert",
        "Black for white: for drawings of black lines.",
        aliases=("invert",),
    ),
    Preprocessor(
        "mlsd_hough",
        ("MLSD",),
        f"{LINES}:lines_mlsd",
        "Straight lines, for rooms and buildings (by Hough's transform; needs no network).",
        RESOLUTION,
        *OF_LINES,
    ),
    Preprocessor(
        "threshold",
        ("Scribble",),
        f"{LINES}:threshold",
        "Black and white at a threshold.",
        RESOLUTION,
        Slider("Binarization Threshold", 0, 255, 127, 1),
        aliases=("binary",),
    ),
    Preprocessor(
        "shuffle",
        ("Shuffle",),
        f"{COLOURS}:shuffle",
        "The picture's colours, its shapes mixed up.",
        RESOLUTION,
    ),
    Preprocessor(
        "tile_resample",
        ("Tile",),
        f"{COLOURS}:tile_resample",
        "The picture, smaller: new details are drawn upon it.",
        threshold_a=Slider("Down Sampling Rate", 1.0, 8.0, 1.0, 0.01),
        aliases=("tile_gaussian",),
    ),
    Preprocessor(
        "tile_colorfix",
        ("Tile",),
        f"{COLOURS}:unchanged",
        "As it is; the result keeps its colours.",
        threshold_a=Slider("Variation", 3.0, 32.0, 8.0, 1.0),
        changes_result=True,
    ),
    Preprocessor(
        "tile_colorfix+sharp",
        ("Tile",),
        f"{COLOURS}:unchanged",
        "As it is; the result keeps its colours and is sharpened.",
        threshold_a=Slider("Variation", 3.0, 32.0, 8.0, 1.0),
        threshold_b=Slider("Sharpness", 0.0, 2.0, 1.0, 0.01),
        changes_result=True,
    ),
    Preprocessor(
        "blur_gaussian",
        ("Blur", "Tile"),
        f"{COLOURS}:blur_gaussian",
        "The picture, blurred.",
        RESOLUTION,
        Slider("Sigma", 0.01, 64.0, 9.0, 0.01),
    ),
    Preprocessor(
        "t2ia_color_grid",
        ("T2I-Adapter",),
        f"{COLOURS}:color_grid",
        "A coarse grid of the picture's colours.",
        RESOLUTION,
        aliases=("color", "color_grid"),
    ),
    Preprocessor(
        "recolor_luminance",
        ("Recolor",),
        f"{COLOURS}:recolor_luminance",
        "How light each pixel looks, without colour.",
        threshold_a=GAMMA,
        changes_result=True,
    ),
    Preprocessor(
        "recolor_intensity",
        ("Recolor",),
        f"{COLOURS}:recolor_intensity",
        "The strongest colour of each pixel, as grey.",
        threshold_a=GAMMA,
        changes_result=True,
    ),
    Preprocessor(
        "inpaint_only",
        ("Inpaint",),
        f"{COLOURS}:masked",
        "What the mask covers is drawn anew; all else stays.",
        changes_result=True,
    ),
    Preprocessor(
        "inpaint_global_harmonious",
        ("Inpaint",),
        f"{COLOURS}:masked",
        "What the mask covers is drawn anew; the rest may change to suit it.",
        aliases=("inpaint",),
    ),
    Preprocessor(
        "mask", ("Segmentation",), f"{COLOURS}:show_mask", "The painted mask, white on black.",
    ),
    *(
        Preprocessor(
            f"reference_{name}",
            ("Reference",),
            f"{COLOURS}:unchanged",
            "Draws in the manner of the picture; needs no model.",
            threshold_a=FIDELITY,
            needs_model=False,
        )
        for name in ("only", "adain", "adain+attn")
    ),
    *(
        Preprocessor(name, ("IP-Adapter",), f"{COLOURS}:unchanged", about, aliases=aliases)
        for name, about, aliases in (
            ("ip-adapter-auto", "Reads the picture with the encoder that the model wants.", ()),
            ("ip-adapter_clip_h", "Reads the picture with CLIP ViT-H.", ("ip-adapter_clip_sd15",)),
            ("ip-adapter_clip_g", "Reads the picture with CLIP ViT-bigG.", ("ip-adapter_clip_sdxl",)),
            (
                "ip-adapter_clip_sdxl_plus_vith",
                "Reads the picture with CLIP ViT-H, for SDXL.",
                (),
            ),
        )
    ),
)  # fmt: skip

ENTRIES = (*WITHOUT_WEIGHTS, *WITH_WEIGHTS)
