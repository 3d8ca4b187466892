"""Lets the tests here and those of the warehouse share `landed`, which lands hand-written rows."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent))
