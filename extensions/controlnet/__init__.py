"""ControlNet: pictures that guide others, by networks trained for it."""
