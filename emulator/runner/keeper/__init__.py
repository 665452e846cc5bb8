"""
Runs in the keeper, the small process above each runner. It ends the runner's leftover processes and handles its
servers.
"""
