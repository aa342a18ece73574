# pyright: basic
"""Training lies in the Training tab."""

from webui.compat.a1111.facades.stand_ins import StandIn, absent

keys = []
create_hypernetwork = StandIn("modules.hypernetworks.ui.create_hypernetwork", "Use the Training tab.")
train_hypernetwork = StandIn("modules.hypernetworks.ui.train_hypernetwork", "Use the Training tab.")


def __getattr__(name):
    absent("modules.hypernetworks.ui", name)
