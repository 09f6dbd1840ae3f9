"""What to type for this program."""

import shutil
import sys
from pathlib import Path


def program() -> str:
    """Its name where a shell finds it, else its path."""
    found = shutil.which("orchestrator")
    return "orchestrator" if found else str(Path(sys.executable).with_name("orchestrator"))
