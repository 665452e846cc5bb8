"""Runs in the helper of a command in a runner (`fal runners shell`, `exec`)."""
