"""Every preprocessor by the name that artists know it by. Light: no network and no OpenCV is loaded here."""

from extensions.controlnet.preprocessors.registry import (
    MEGABYTE,
    RESOLUTION,
    ControlType,
    Preprocessor,
    Slider,
    Weight,
)

LINES = "extensions.controlnet.preprocessors.lines"
COLOURS = "extensions.controlnet.preprocessors.colours"
GAMMA = Slider("Gamma Correction", 0.1, 2.0, 1.0, 0.001)
FIDELITY = Slider('Style Fidelity (only for "Balanced" mode)', 0.0, 1.0, 0.5, 0.01)

# How sure, and how long straight lines are.
OF_LINES = (
    Slider("MLSD Value Threshold", 0.01, 2.0, 0.1, 0.01),
    Slider("MLSD Distance Threshold", 0.01, 20.0, 0.1, 0.01),
)
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
        "inpaint_only+lama",
        ("Inpaint",),
        f"{COLOURS}:masked",
        "Fills the mask by the network LaMa first, which cannot be used here.",
        instead="inpaint_only",
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

NETWORKS = "extensions.controlnet.preprocessors.networks"
ANNOTATORS = "https://huggingface.co/lllyasviel/Annotators"


def annotator(file: str, megabytes: float, licence: str, folder: str) -> Weight:
    """A file of the repository in which ControlNet's authors gathered annotators."""
    link = f"{ANNOTATORS}/resolve/main/{file}"
    return Weight(file, round(megabytes * MEGABYTE), licence, link, ANNOTATORS, folder)


HED = annotator("ControlNetHED.pth", 29.4, "Apache-2.0", "hed")
SKETCH = annotator("sk_model.pth", 17.2, "MIT", "lineart")
COARSE_SKETCH = annotator("sk_model2.pth", 17.2, "MIT", "lineart")
PIDINET = annotator("table5_pidinet.pth", 2.9, "its makers' own, for research", "pidinet")
DRAWING = annotator("netG.pth", 217.7, "MIT", "lineart_anime")
STRAIGHT = annotator("mlsd_large_512_fp32.pth", 6.3, "Apache-2.0", "mlsd")
NON_COMMERCIAL = "OpenPose, no commercial use"
BODY = annotator("body_pose_model.pth", 209.3, NON_COMMERCIAL, "openpose")
HAND = annotator("hand_pose_model.pth", 147.3, NON_COMMERCIAL, "openpose")
DEPTH_ANYTHING = "https://huggingface.co/depth-anything/Depth-Anything-V2-Small-hf"
DPT = "https://huggingface.co/Intel/dpt-large"
# Both are called model.safetensors where they come from, so that they are found by what is in them.
DEPTH_V2 = Weight(
    "depth_anything_v2_small.safetensors",
    round(99.2 * MEGABYTE),
    "Apache-2.0",
    f"{DEPTH_ANYTHING}/resolve/main/model.safetensors",
    DEPTH_ANYTHING,
    "depth_anything_v2",
    "backbone.embeddings.cls_token",
)
DPT_LARGE = Weight(
    "dpt_large.safetensors",
    round(1368 * MEGABYTE),
    "Apache-2.0",
    f"{DPT}/resolve/main/model.safetensors",
    DPT,
    "midas",
    "dpt.embeddings.cls_token",
)

# Name, control type, function, what it makes, and the other name.
PIDINETS: tuple[tuple[str, ControlType, str, str, str], ...] = (
    ("softedge_pidinet", "SoftEdge", "softedge", "Soft edges by PiDiNet.", "pidinet"),
    ("softedge_pidisafe", "SoftEdge", "softedge_safe", "PiDiNet's, without fine details.", "pidinet_safe"),
    ("scribble_pidinet", "Scribble", "scribble", "Strokes, by PiDiNet.", "pidinet_scribble"),
    ("t2ia_sketch_pidi", "T2I-Adapter", "sketch", "Edges for T2I-Adapter's sketches.", "pidinet_sketch"),
)
WITH_WEIGHTS = (
    *(
        Preprocessor(
            name,
            (control_type,),
            f"{NETWORKS}.pidinet:{function}",
            about,
            RESOLUTION,
            aliases=(alias,),
            weights=(PIDINET,),
        )
        for name, control_type, function, about, alias in PIDINETS
    ),
    Preprocessor(
        "mlsd",
        ("MLSD",),
        f"{NETWORKS}.mlsd:lines",
        "Straight lines, for rooms and buildings.",
        RESOLUTION,
        *OF_LINES,
        weights=(STRAIGHT,),
    ),
    Preprocessor(
        "lineart_anime",
        ("Lineart",),
        f"{NETWORKS}.anime:lineart",
        "Lines as in drawings of anime.",
        RESOLUTION,
        weights=(DRAWING,),
    ),
    Preprocessor(
        "softedge_hed",
        ("SoftEdge",),
        f"{NETWORKS}.hed:softedge",
        "Soft edges as people draw them.",
        RESOLUTION,
        aliases=("hed",),
        weights=(HED,),
    ),
    Preprocessor(
        "softedge_hedsafe",
        ("SoftEdge",),
        f"{NETWORKS}.hed:softedge_safe",
        "Soft edges in steps, which hide fine details.",
        RESOLUTION,
        aliases=("hed_safe", "softedge_hed_safe"),
        weights=(HED,),
    ),
    Preprocessor(
        "scribble_hed",
        ("Scribble",),
        f"{NETWORKS}.hed:scribble",
        "Strokes as people scribble them.",
        RESOLUTION,
        aliases=("fake_scribble",),
        weights=(HED,),
    ),
    Preprocessor(
        "lineart_realistic",
        ("Lineart",),
        f"{NETWORKS}.sketch:lineart",
        "Lines as in a drawing of the picture.",
        RESOLUTION,
        aliases=("lineart",),
        weights=(SKETCH,),
    ),
    Preprocessor(
        "lineart_coarse",
        ("Lineart",),
        f"{NETWORKS}.sketch:lineart",
        "Fewer and coarser lines.",
        RESOLUTION,
        weights=(COARSE_SKETCH,),
    ),
    Preprocessor(
        "openpose",
        ("OpenPose",),
        f"{NETWORKS}.openpose:body",
        "People's bodies as skeletons.",
        RESOLUTION,
        aliases=("openpose_body",),
        weights=(BODY,),
    ),
    *(
        Preprocessor(
            name,
            ("OpenPose",),
            f"{NETWORKS}.openpose:body_and_hands",
            f"People's bodies and hands as skeletons{more}.",
            RESOLUTION,
            weights=(BODY, HAND),
        )
        for name, more in (("openpose_hand", ""), ("openpose_full", "; faces are not drawn here"))
    ),
    Preprocessor(
        "depth_anything_v2",
        ("Depth",),
        f"{NETWORKS}.depth:depth_v2",
        "How near things are: near is white.",
        RESOLUTION,
        aliases=("depth_anything",),
        weights=(DEPTH_V2,),
    ),
    Preprocessor(
        "depth_midas",
        ("Depth",),
        f"{NETWORKS}.depth:midas",
        "How near things are: near is white. By MiDaS 3 (DPT large).",
        RESOLUTION,
        aliases=("depth", "midas"),
        weights=(DPT_LARGE,),
    ),
)
ENTRIES = (*WITHOUT_WEIGHTS, *WITH_WEIGHTS)
