"""What other extensions take from the community's ControlNet, over our own."""
