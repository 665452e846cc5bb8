"""
Runs in the supervisor, one process per environment. It starts, monitors and ends runners, and imports no user code.
"""
