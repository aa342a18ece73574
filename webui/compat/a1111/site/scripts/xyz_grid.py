"""A1111's X/Y/Z plot as extensions know it: they add axes, which this program's own plot offers."""
# pyright: basic

import csv
import re
from collections import namedtuple
from importlib import import_module
from io import StringIO
from itertools import chain

from modules import scripts, shared

from webui.core.errors import NotOffered

fill_values_symbol = "\U0001f4d2"
AxisInfo = namedtuple("AxisInfo", ["axis", "values"])

# Ranges as values: "1-5", "1-5 (+2)", "1-5 [3]"; groups are the first, the last, and the step or the count.
_WHOLE, _NUMBER = r"([+-]?\s*\d+)", r"([+-]?\s*\d+(?:\.\d*)?)"
_STEP, _STEP_NUMBER, _COUNT = r"\(([+-]\d+)\s*\)", r"\(([+-]\d+(?:\.\d*)?)\s*\)", r"\[(\d+)\s*\]"
re_range = re.compile(rf"\s*{_WHOLE}\s*-\s*{_WHOLE}(?:\s*{_STEP})?\s*")
re_range_float = re.compile(rf"\s*{_NUMBER}\s*-\s*{_NUMBER}(?:\s*{_STEP_NUMBER})?\s*")
re_range_count = re.compile(rf"\s*{_WHOLE}\s*-\s*{_WHOLE}(?:\s*{_COUNT})?\s*")
re_range_count_float = re.compile(rf"\s*{_NUMBER}\s*-\s*{_NUMBER}(?:\s*{_COUNT})?\s*")

# What A1111's plot imports and extensions take, or replace, in it. Its modules load this one: so, when asked.
_MODULES = ("errors", "images", "processing", "sd_models", "sd_samplers", "sd_schedulers", "sd_vae")
_FROM = {
    "Processed": "processing",
    "StableDiffusionProcessing": "processing",
    "StableDiffusionProcessingTxt2Img": "processing",
    "ToolButton": "ui_components",
    "create_infotext": "processing",
    "opts": "shared",
    "process_images": "processing",
    "state": "shared",
}


def __getattr__(name):
    if name in _MODULES:
        return import_module(f"modules.{name}")
    if name in _FROM:
        return getattr(import_module(f"modules.{_FROM[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def apply_field(field):
    def apply(p, x, xs):
        setattr(p, field, x)

    return apply


def apply_override(field, boolean=False):
    def apply(p, x, xs):
        p.override_settings[field] = str(x).strip().lower() == "true" if boolean else x

    return apply


def apply_prompt(p, x, xs):
    if xs[0] not in p.prompt and xs[0] not in p.negative_prompt:
        raise RuntimeError(f"Prompt S/R did not find {xs[0]} in prompt or negative prompt.")
    p.prompt = p.prompt.replace(xs[0], x)
    p.negative_prompt = p.negative_prompt.replace(xs[0], x)


def apply_order(p, x, xs):
    places = sorted((p.prompt.find(word), word) for word in x)
    parts, rest = [], p.prompt
    for _, word in places:
        before, _, rest = rest.partition(word)
        parts.append(before)
    p.prompt = "".join(chain.from_iterable(zip(parts, x, strict=True))) + rest


def apply_checkpoint(p, x, xs):
    p.override_settings["sd_model_checkpoint"] = x


def apply_vae(p, x, xs):
    p.override_settings["sd_vae"] = x


def apply_clip_skip(p, x, xs):
    p.override_settings["CLIP_stop_at_last_layers"] = x


def apply_styles(p, x, xs):
    p.styles.extend(x.split(","))


def apply_face_restore(p, opt, x):
    p.restore_faces = str(opt).lower() not in ("false", "no", "none", "")
    p.override_settings["face_restoration_model"] = opt


def apply_size(p, x, xs):
    width, _, height = str(x).lower().partition("x")
    p.width, p.height = int(width.strip()), int(height.strip())


def format_value_add_label(p, opt, x):
    return f"{opt.label}: {round(x, 8) if type(x) is float else x}"


def format_value(p, opt, x):
    return round(x, 8) if type(x) is float else x


def format_value_join_list(p, opt, x):
    return ", ".join(x)


def format_nothing(p, opt, x):
    return ""


def format_remove_path(p, opt, x):
    return str(x).replace("\\", "/").rpartition("/")[2]


def do_nothing(p, x, xs):
    pass


def str_permutations(x):
    """Marks an axis whose values are all orders of its words."""
    return x


def list_to_csv_string(data_list):
    with StringIO() as text:
        csv.writer(text).writerow(data_list)
        return text.getvalue().strip()


def csv_string_to_list_strip(data_str):
    return [
        each.strip() for each in chain.from_iterable(csv.reader(StringIO(data_str), skipinitialspace=True))
    ]


def boolean_choice(reverse=False):
    def choice():
        return ["False", "True"] if reverse else ["True", "False"]

    return choice


def confirm_checkpoints(p, xs):
    from modules import sd_models

    for x in xs:
        if sd_models.get_closet_checkpoint_match(x) is None:
            raise RuntimeError(f"Unknown checkpoint: {x}")


def confirm_range(min_val, max_val, axis_label):
    def confirm(p, xs):
        for x in xs:
            if not min_val <= float(x) <= max_val:
                raise ValueError(f"{axis_label} value {x} is not between {min_val} and {max_val}.")

    return confirm


class AxisOption:
    def __init__(
        self,
        label,
        type,
        apply,
        format_value=format_value_add_label,
        confirm=None,
        cost=0.0,
        choices=None,
        prepare=None,
    ):
        self.label = label
        self.type = type
        self.apply = apply
        self.format_value = format_value
        self.confirm = confirm
        self.cost = cost
        self.prepare = prepare
        self.choices = choices


class AxisOptionImg2Img(AxisOption):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.is_img2img = True


class AxisOptionTxt2Img(AxisOption):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.is_img2img = False


def _samplers():
    from modules import sd_samplers

    return [each.name for each in sd_samplers.visible_samplers()]


def _schedules():
    from modules import sd_schedulers

    return [each.label for each in sd_schedulers.schedulers]


def _checkpoints():
    from modules import sd_models

    return sorted(sd_models.checkpoints_list, key=str.casefold)


def _vaes():
    from modules import sd_vae

    return ["Automatic", "None", *sd_vae.vae_dict]


def _upscalers():
    return [*shared.latent_upscale_modes, *(each.name for each in shared.sd_upscalers)]


axis_options = [
    AxisOption("Nothing", str, do_nothing, format_value=format_nothing),
    AxisOption("Seed", int, apply_field("seed")),
    AxisOption("Var. seed", int, apply_field("subseed")),
    AxisOption("Var. strength", float, apply_field("subseed_strength")),
    AxisOption("Steps", int, apply_field("steps")),
    AxisOptionTxt2Img("Hires steps", int, apply_field("hr_second_pass_steps")),
    AxisOption("CFG Scale", float, apply_field("cfg_scale")),
    AxisOptionImg2Img("Image CFG Scale", float, apply_field("image_cfg_scale")),
    AxisOption("Prompt S/R", str, apply_prompt, format_value=format_value),
    AxisOption("Prompt order", str_permutations, apply_order, format_value=format_value_join_list),
    AxisOptionTxt2Img(
        "Sampler", str, apply_field("sampler_name"), format_value=format_value, choices=_samplers
    ),
    AxisOptionTxt2Img("Hires sampler", str, apply_field("hr_sampler_name"), choices=_samplers),
    AxisOptionImg2Img(
        "Sampler", str, apply_field("sampler_name"), format_value=format_value, choices=_samplers
    ),
    AxisOption(
        "Checkpoint name",
        str,
        apply_checkpoint,
        format_value=format_remove_path,
        confirm=confirm_checkpoints,
        cost=1.0,
        choices=_checkpoints,
    ),
    AxisOption("Negative Guidance minimum sigma", float, apply_field("s_min_uncond")),
    AxisOption("Sigma Churn", float, apply_field("s_churn")),
    AxisOption("Sigma min", float, apply_field("s_tmin")),
    AxisOption("Sigma max", float, apply_field("s_tmax")),
    AxisOption("Sigma noise", float, apply_field("s_noise")),
    AxisOption("Schedule type", str, apply_field("scheduler"), choices=_schedules),
    AxisOption("Schedule min sigma", float, apply_override("sigma_min")),
    AxisOption("Schedule max sigma", float, apply_override("sigma_max")),
    AxisOption("Schedule rho", float, apply_override("rho")),
    AxisOption("Eta", float, apply_field("eta")),
    AxisOption("Clip skip", int, apply_clip_skip),
    AxisOption("Denoising", float, apply_field("denoising_strength")),
    AxisOption("Initial noise multiplier", float, apply_field("initial_noise_multiplier")),
    AxisOptionTxt2Img("Hires upscaler", str, apply_field("hr_upscaler"), choices=_upscalers),
    AxisOption("VAE", str, apply_vae, cost=0.7, choices=_vaes),
    AxisOption("Styles", str, apply_styles, choices=lambda: list(shared.prompt_styles.styles)),
    AxisOption("Face restore", str, apply_face_restore, format_value=format_value),
    AxisOption("Token merging ratio", float, apply_override("token_merging_ratio")),
    AxisOption("Token merging ratio high-res", float, apply_override("token_merging_ratio_hr")),
    AxisOption("Refiner checkpoint", str, apply_field("refiner_checkpoint"), cost=1.0, choices=_checkpoints),
    AxisOption("Refiner switch at", float, apply_field("refiner_switch_at")),
    AxisOption("Size", str, apply_size),
]
# Those that this program's own plot has.
own_axis_options = tuple(axis_options)


def draw_xyz_grid(*args, **kwargs):
    raise NotOffered("An extension wants A1111's X/Y/Z plot to draw for it. Use the script X/Y/Z plot.")


class SharedSettingsStackHelper:
    """Settings put back when the context ends; runs keep theirs apart, so there is nothing to put back."""

    def __enter__(self):
        return self

    def __exit__(self, exc_type, exc_value, tb):
        return None


class Script(scripts.Script):
    """Is there for extensions to find; the plot itself is this program's own."""

    def title(self):
        return "X/Y/Z plot"

    def show(self, is_img2img):
        return False
