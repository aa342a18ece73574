"""The tab Extras, for extensions that want one of their own."""
# pyright: basic


def create_ui():
    from modules import scripts

    return scripts.scripts_postproc.setup_ui()
