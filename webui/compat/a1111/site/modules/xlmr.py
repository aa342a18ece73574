"""The original code of a multilingual text encoder, by name: the program has text encoders of its own."""
# pyright: basic

from webui.compat.a1111.facades.stand_ins import StandIn, absent

OWN = "The program builds its text encoders itself."
BertSeriesConfig = StandIn("modules.xlmr.BertSeriesConfig", OWN)
RobertaSeriesConfig = StandIn("modules.xlmr.RobertaSeriesConfig", OWN)
BertSeriesModelWithTransformation = StandIn("modules.xlmr.BertSeriesModelWithTransformation", OWN)
RobertaSeriesModelWithTransformation = StandIn("modules.xlmr.RobertaSeriesModelWithTransformation", OWN)


def __getattr__(name):
    absent(__name__, name)
