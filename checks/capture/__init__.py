"""Capture: whether it takes events and passes them on."""
