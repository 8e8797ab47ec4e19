"""``make bench``: cost, latency and memory of the whole path, as figures and as ratios within one run."""

from __future__ import annotations

import sys

from tests.bench.report import main

if __name__ == "__main__":
    sys.exit(main())
