"""The app: whether it is well, as it says itself."""
