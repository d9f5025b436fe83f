"""The canary: one event that is sent and watched on its way."""
