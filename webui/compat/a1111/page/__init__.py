"""Scripts, callbacks, options and the page, as A1111's extensions know them."""
