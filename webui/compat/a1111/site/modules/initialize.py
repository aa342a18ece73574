"""The start of the program, which has been when an extension can call this."""


def imports():
    """Everything that is needed was imported."""


def check_versions():
    """The program installs the versions that it needs."""


def initialize():
    """The program is built already."""


def initialize_rest(*, reload_script_modules=False):
    """The program is built already."""
