"""Everything kept on disk except weights."""
