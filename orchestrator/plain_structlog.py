"""structlog as a server needs it: without its renderer for terminals.

That one loads `rich` and `pygments` where they are installed, as they are for the command line: 4 MB in every
process and a twentieth of a second at its start. A module that is None counts as absent, and structlog does
without.
"""

import sys

__all__ = ["structlog"]

_RICH = sys.modules.get("rich")
sys.modules["rich"] = None  # type: ignore[assignment]
try:
    import structlog
finally:
    del sys.modules["rich"]
    if _RICH is not None:
        sys.modules["rich"] = _RICH
