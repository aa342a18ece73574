# pyright: basic
"""Names of the original code, for annotations and isinstance: nothing here is made of it."""

from webui.compat.a1111.facades.original_code import absent, name_function

append_dims = name_function("sgm.util.append_dims")
default = name_function("sgm.util.default")
exists = name_function("sgm.util.exists")
instantiate_from_config = name_function("sgm.util.instantiate_from_config")
disabled_train = name_function("sgm.util.disabled_train")
get_obj_from_str = name_function("sgm.util.get_obj_from_str")


def __getattr__(name):
    absent("sgm.util", name)
