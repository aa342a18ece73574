"""All settings there are, by key."""
# pyright: basic

from modules.options import OptionHTML, OptionInfo, categories, options_section
from webui.compat.a1111.page.native_options import native_infos

options_templates = dict(native_infos())
restricted_opts = {
    "samples_filename_pattern",
    "directories_filename_pattern",
    "outdir_samples",
    "outdir_txt2img_samples",
    "outdir_img2img_samples",
    "outdir_extras_samples",
    "outdir_grids",
    "outdir_txt2img_grids",
    "outdir_img2img_grids",
    "outdir_save",
    "outdir_init_images",
    "temp_dir",
    "clean_temp_dir_at_start",
}

__all__ = [
    "OptionHTML",
    "OptionInfo",
    "categories",
    "options_section",
    "options_templates",
    "restricted_opts",
]
