"""A1111's conditional replacement of functions: this program replaces none."""
# pyright: basic


class CondFunc:
    def __new__(cls, orig_func, sub_func, cond_func=None):
        """Replaces nothing: what it names is of A1111's networks, which are not here."""
        return super().__new__(cls)
