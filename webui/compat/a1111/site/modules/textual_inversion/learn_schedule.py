# pyright: basic
"""Training lies in the Training tab."""

from webui.compat.a1111.facades.stand_ins import StandIn, absent

TAB = "Embeddings are trained in the Training tab."
LearnScheduleIterator = StandIn("modules.textual_inversion.learn_schedule.LearnScheduleIterator", TAB)
LearnRateScheduler = StandIn("modules.textual_inversion.learn_schedule.LearnRateScheduler", TAB)


def __getattr__(name):
    absent("modules.textual_inversion.learn_schedule", name)
