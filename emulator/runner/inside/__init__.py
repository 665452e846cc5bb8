"""Runs in a runner's process together with its app; parts of it also apply in the app's Python child processes."""
