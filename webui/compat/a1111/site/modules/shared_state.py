"""What the program does now."""
# pyright: basic

from webui.compat.a1111.running.state import ProgramState as State

state = State()
