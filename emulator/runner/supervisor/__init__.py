"""Runs in the supervisor, one process per environment: it starts, hears and ends runners, and imports no user code."""
