"""The location of the runner's modules."""

import os

FOLDER = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
"""The folder of all modules, and of the programs that the emulator starts."""
