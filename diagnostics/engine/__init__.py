"""Declaring checks, finding them, running them, judging what they found. Knows no check by name."""
