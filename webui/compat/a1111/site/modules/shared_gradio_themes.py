"""The page's theme, which is the host's own."""
# pyright: basic

gradio_hf_hub_themes = []


def reload_gradio_theme(theme_name=None):
    """Nothing: the theme is chosen with --theme, light or dark."""


def resolve_var(name, gradio_theme=None, history=None):
    return ""
