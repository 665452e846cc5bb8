"""Changes the code of a running app in place (development runs only)."""
