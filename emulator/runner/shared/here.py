"""Where our modules are."""

import os

FOLDER = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
"""Of all of them, and of the programs that the emulator starts."""
