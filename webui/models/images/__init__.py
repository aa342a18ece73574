"""Networks from picture to picture: upscalers and face restorers."""
