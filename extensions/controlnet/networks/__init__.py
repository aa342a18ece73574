"""The networks that read a guiding picture: how their files are recognised, loaded and evaluated."""
