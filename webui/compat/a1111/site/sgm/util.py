# pyright: basic
"""Names of the original code, for annotations and isinstance: nothing here is made of it."""

from webui.compat.a1111.facades.original_code import absent, name_each, name_function

append_dims = name_function("sgm.util.append_dims")
default = name_function("sgm.util.default")
exists = name_function("sgm.util.exists")
instantiate_from_config = name_function("sgm.util.instantiate_from_config")
disabled_train = name_function("sgm.util.disabled_train")
get_obj_from_str = name_function("sgm.util.get_obj_from_str")
globals().update(
    name_each(
        "sgm.util",
        classes=[],
        functions=[
            "append_zero",
            "autocast",
            "count_params",
            "expand_dims_like",
            "isheatmap",
            "isimage",
            "ismap",
            "load_model_from_config",
            "log_txt_as_img",
            "mean_flat",
        ],
    )
)


def __getattr__(name):
    absent("sgm.util", name)
