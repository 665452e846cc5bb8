"""How the start of a serving runner is divided, for the developer who waits for it."""
