"""Runs in a runner's process together with its app, and what of it also holds in the app's Python children."""
