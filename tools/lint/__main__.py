"""Entry point of `python -m tools.lint [root]`: prints `path:line rule message`, exits 1 when there is a finding."""

import sys
from pathlib import Path

from tools.lint.runner import run

if __name__ == "__main__":
    sys.exit(run(Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()))
