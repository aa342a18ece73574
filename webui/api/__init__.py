"""HTTP: A1111's `/sdapi/v1` on the same jobs as the page."""
