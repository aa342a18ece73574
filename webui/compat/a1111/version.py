"""The A1111 whose extensions are hosted here: what Python and the page tell them of it."""

TAG, COMMIT = "v1.10.1", "82a973c04367123ae98bd9abdf80d9eda9b910e2"
