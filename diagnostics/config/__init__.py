"""Where the install is and how to get in: the settings, their origins, and what the install itself tells.

- `settings`: every setting, declared once.
- `configuration`: the settings in effect, typed, each with its origin.
- `load`: options, environment, file, discovery and defaults become a `Configuration`, or a `ConfigurationError`.
- `discover`: PostHog's own environment names (`from_environment`) and compose files (`from_compose`).
- `getting_started`: what to say when there is nothing to look at.
"""
