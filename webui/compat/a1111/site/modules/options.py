"""Options: what `shared.opts` is, and how an extension describes a setting of its own."""
# pyright: basic

from webui.compat.a1111.page.option_info import (
    OptionHTML,
    OptionInfo,
    OptionsCategories,
    OptionsCategory,
    options_section,
)
from webui.compat.a1111.page.shared_options import SharedOptions as Options

categories = OptionsCategories()
options_builtin = {"quicksettings_list", "disabled_extensions"}

__all__ = [
    "OptionHTML",
    "OptionInfo",
    "Options",
    "OptionsCategories",
    "OptionsCategory",
    "categories",
    "options_builtin",
    "options_section",
]
