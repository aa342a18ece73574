"""Preprocessors that compute with networks whose weights the artist has. Light: no network is loaded here."""

from dataclasses import replace

from extensions.controlnet.preprocessors.registry import (
    MEGABYTE,
    RESOLUTION,
    ControlType,
    Preprocessor,
    Slider,
    Weight,
)

# How sure, and how long straight lines are.
OF_LINES = (
    Slider("MLSD Value Threshold", 0.01, 2.0, 0.1, 0.01),
    Slider("MLSD Distance Threshold", 0.01, 20.0, 0.1, 0.01),
)
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
FACE = annotator("facenet.pth", 153.7, NON_COMMERCIAL, "openpose")
NORMALS = annotator("scannet.pt", 291.1, "MIT", "normal_bae")
LAMA = replace(
    annotator("ControlNetLama.pth", 205.6, "Apache-2.0", "lama"),
    other_files=("big-lama.safetensors", "big-lama.ckpt", "big-lama.pth", "big-lama.pt"),
)
DWPOSE = "https://huggingface.co/yzd-v/DWPose"
# The page does not fetch ONNX files.
PEOPLE = Weight("yolox_l.onnx", round(216.7 * MEGABYTE), "Apache-2.0", "", DWPOSE, "dw_openpose_full")
WHOLE_BODY = Weight(
    "dw-ll_ucoco_384.onnx", round(134.4 * MEGABYTE), "Apache-2.0", "", DWPOSE, "dw_openpose_full"
)
DEPTH_ANYTHING = "https://huggingface.co/depth-anything/Depth-Anything-V2-Small-hf"
DPT = "https://huggingface.co/Intel/dpt-large"
# These have no names of their own where they come from, so that they are found by what is in them.
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
ONEFORMER_PAGE = "https://huggingface.co/shi-labs/oneformer_ade20k_swin_large"
ONEFORMER = Weight(
    "oneformer_ade20k_swin_large.bin",
    round(885 * MEGABYTE),
    "MIT",
    f"{ONEFORMER_PAGE}/resolve/main/pytorch_model.bin",
    ONEFORMER_PAGE,
    "oneformer",
    "model.transformer_module.queries_embedder.weight",
    ("oneformer_ade20k_swin_large.safetensors",),
)
UPERNET_PAGE = "https://huggingface.co/openmmlab/upernet-convnext-small"
UPERNET = Weight(
    "upernet_convnext_small.safetensors",
    round(328 * MEGABYTE),
    "MIT",
    f"{UPERNET_PAGE}/resolve/main/model.safetensors",
    UPERNET_PAGE,
    "upernet",
    "decode_head.psp_modules.0.1.conv.weight",
    ("upernet_convnext_small.bin",),
)

# Name, control type, function, what it makes, and the other name.
PIDINETS: tuple[tuple[str, ControlType, str, str, str], ...] = (
    ("softedge_pidinet", "SoftEdge", "softedge", "Soft edges by PiDiNet.", "pidinet"),
    ("softedge_pidisafe", "SoftEdge", "softedge_safe", "PiDiNet's, without fine details.", "pidinet_safe"),
    ("scribble_pidinet", "Scribble", "scribble", "Strokes, by PiDiNet.", "pidinet_scribble"),
    ("t2ia_sketch_pidi", "T2I-Adapter", "sketch", "Edges for T2I-Adapter's sketches.", "pidinet_sketch"),
)
# Name, function, what it makes, other names, and weights.
OPENPOSES: tuple[tuple[str, str, str, tuple[str, ...], tuple[Weight, ...]], ...] = (
    ("openpose_full", "everything", "People's bodies, hands and faces as skeletons.", (), (BODY, HAND, FACE)),
    ("openpose", "body", "People's bodies as skeletons.", ("openpose_body",), (BODY,)),
    ("openpose_hand", "body_and_hands", "People's bodies and hands as skeletons.", (), (BODY, HAND)),
    ("openpose_face", "body_and_face", "People's bodies and faces as skeletons.", (), (BODY, FACE)),
    ("openpose_faceonly", "face_alone", "People's faces as dots, without bodies.", (), (BODY, FACE)),
    (
        "dw_openpose_full",
        "everything_by_dwpose",
        "People's bodies, hands and faces as skeletons, by DWPose: surer, and free for any use.",
        ("dwpose",),
        (PEOPLE, WHOLE_BODY),
    ),
)
# What is farther than this share of the depth is background.
BACKGROUND = Slider("Normal Background Threshold", 0.0, 1.0, 0.4, 0.01)
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
    *(
        Preprocessor(
            name,
            ("OpenPose",),
            f"{NETWORKS}.poses:{function}",
            about,
            RESOLUTION,
            aliases=aliases,
            weights=weights,
        )
        for name, function, about, aliases, weights in OPENPOSES
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
    Preprocessor(
        "normal_bae",
        ("NormalMap",),
        f"{NETWORKS}.normal:normals",
        "Which way surfaces face.",
        RESOLUTION,
        weights=(NORMALS,),
    ),
    Preprocessor(
        "normal_midas",
        ("NormalMap",),
        f"{NETWORKS}.depth:normal_midas",
        "Which way surfaces face, by how MiDaS's depth changes.",
        RESOLUTION,
        BACKGROUND,
        aliases=("normal_map",),
        weights=(DPT_LARGE,),
    ),
    Preprocessor(
        "seg_ofade20k",
        ("Segmentation",),
        f"{NETWORKS}.segmentation:oneformer",
        "What is where, in ADE20K's colours, by OneFormer.",
        RESOLUTION,
        aliases=("oneformer_ade20k",),
        weights=(ONEFORMER,),
    ),
    Preprocessor(
        "seg_ufade20k",
        ("Segmentation",),
        f"{NETWORKS}.segmentation:upernet",
        "What is where, in ADE20K's colours, by UperNet.",
        RESOLUTION,
        aliases=("segmentation",),
        weights=(UPERNET,),
    ),
    Preprocessor(
        "inpaint_only+lama",
        ("Inpaint",),
        f"{NETWORKS}.lama:fill",
        "As inpaint_only, beginning with what LaMa fills the mask with: for removing things and outpainting.",
        changes_result=True,
        weights=(LAMA,),
    ),
)
