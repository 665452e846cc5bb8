"""Runs in a runner's process before its app: from the supervisor's fork to a world of its own."""
