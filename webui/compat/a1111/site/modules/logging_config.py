"""How much is logged: --loglevel says."""


def setup_logging(loglevel):
    """The program has set up its log already."""
