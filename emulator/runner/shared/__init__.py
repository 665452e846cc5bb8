"""What several of the processes use."""
