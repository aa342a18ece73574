"""What `shared` is filled by; here each of its names is made when it is first asked for."""
# pyright: basic


def initialize():
    """Nothing: see `shared`."""
