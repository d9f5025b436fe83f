"""What a check author imports, and nothing else."""
