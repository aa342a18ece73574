"""What the program does now."""
# pyright: basic

from webui.compat.a1111.facades.stand_ins import absent
from webui.compat.a1111.running.state import ProgramState as State

state = State()


def __getattr__(name):
    absent(__name__, name)
