# pyright: basic
"""Data sets lie in the Training tab."""

import re

from webui.compat.a1111.facades.stand_ins import StandIn, absent

TAB = "Data sets are read and cached in the Training tab."
re_numbers_at_start = re.compile(r"^[-\d]+\s*")
DatasetEntry = StandIn("modules.textual_inversion.dataset.DatasetEntry", TAB)
PersonalizedBase = StandIn("modules.textual_inversion.dataset.PersonalizedBase", TAB)
PersonalizedDataLoader = StandIn("modules.textual_inversion.dataset.PersonalizedDataLoader", TAB)
GroupedBatchSampler = StandIn("modules.textual_inversion.dataset.GroupedBatchSampler", TAB)
BatchLoader = StandIn("modules.textual_inversion.dataset.BatchLoader", TAB)
BatchLoaderRandom = StandIn("modules.textual_inversion.dataset.BatchLoaderRandom", TAB)


def __getattr__(name):
    absent("modules.textual_inversion.dataset", name)
