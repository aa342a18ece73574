# pyright: basic
"""Names of the original code, for annotations and isinstance: nothing here is made of it."""

from webui.compat.a1111.facades.original_code import absent, name_each, name_function

default = name_function("ldm.util.default")
exists = name_function("ldm.util.exists")
instantiate_from_config = name_function("ldm.util.instantiate_from_config")
get_obj_from_str = name_function("ldm.util.get_obj_from_str")
count_params = name_function("ldm.util.count_params")
mean_flat = name_function("ldm.util.mean_flat")
log_txt_as_img = name_function("ldm.util.log_txt_as_img")
ismap = name_function("ldm.util.ismap")
isimage = name_function("ldm.util.isimage")
globals().update(
    name_each(
        "ldm.util",
        classes=[],
        functions=["autocast"],
    )
)


def __getattr__(name):
    absent("ldm.util", name)
