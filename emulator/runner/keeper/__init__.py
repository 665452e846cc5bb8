"""Runs in the keeper, the small process above each runner: it ends what is left of it and looks after its servers."""
