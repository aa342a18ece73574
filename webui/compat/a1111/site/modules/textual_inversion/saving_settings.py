# pyright: basic
"""Training lies in the Training tab."""

from webui.compat.a1111.facades.stand_ins import StandIn, absent

TAB = "Embeddings are trained in the Training tab."
save_settings_to_file = StandIn("modules.textual_inversion.saving_settings.save_settings_to_file", TAB)


def __getattr__(name):
    absent("modules.textual_inversion.saving_settings", name)
