"""When a batch is held, and how much of quarantined rows is kept (`quality.yml`)."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from rebuttal.configuration import Section, read_yaml


class Hold(Section):
    """See the comments in `quality.yml`."""

    bad_share: float = Field(default=0.5, gt=0, le=1)
    bad_rows: int = Field(default=20, ge=1)
    volume_factor: float = Field(default=50, gt=1)
    volume_rows: int = Field(default=2000, ge=1)
    volume_history: int = Field(default=3, ge=1)
    filled_share: float = Field(default=0.95, gt=0, le=1)
    filled_rows: int = Field(default=50, ge=1)


class Quarantine(Section):
    """See the comments in `quality.yml`."""

    raw_days: int = Field(default=90, ge=1)
    max_rows_per_batch: int = Field(default=1000, ge=0)
    raw_limit: int = Field(default=65_536, ge=0, le=65_536)  # characters; the merge keeps no more than this


class Thresholds(Section):
    """All of `quality.yml`."""

    hold: Hold = Hold()
    quarantine: Quarantine = Quarantine()


def load_thresholds(config: Path) -> Thresholds:
    """Read `quality.yml`; without the file the defaults hold. Raises ConfigError naming file, key and mistake."""
    path = config / "quality.yml"
    return read_yaml(path, Thresholds) if path.exists() else Thresholds()
