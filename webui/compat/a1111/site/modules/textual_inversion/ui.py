# pyright: basic
"""Training lies in the Training tab."""

from webui.compat.a1111.facades.stand_ins import StandIn, absent

TAB = "Embeddings are trained in the Training tab."
create_embedding = StandIn("modules.textual_inversion.ui.create_embedding", TAB)
train_embedding = StandIn("modules.textual_inversion.ui.train_embedding", TAB)


def __getattr__(name):
    absent("modules.textual_inversion.ui", name)
