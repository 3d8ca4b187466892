"""What the checks over core take as usual (`audits.yml`)."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from rebuttal.configuration import Section, read_yaml


class AuditLimits(Section):
    """See the comments in `audits.yml`. Days, seconds and minutes are said in the names; shares are 0 to 1."""

    days: int = Field(default=92, ge=7)
    recent_days: int = Field(default=14, ge=1)
    tolerance_seconds: int = Field(default=120, ge=1)
    exact_seconds: int = Field(default=5, ge=0)
    shifted_share: float = Field(default=0.2, gt=0, le=1)
    shifted_visits: int = Field(default=5, ge=1)
    burst_page_views: int = Field(default=20, ge=2)
    burst_seconds: int = Field(default=60, ge=1)
    session_minutes: int = Field(default=30, ge=1)
    empty_segment_share: float = Field(default=0.5, gt=0, lt=1)
    usual_weeks: int = Field(default=4, ge=2)
    usual_rows: int = Field(default=10, ge=1)
    volume_spreads: float = Field(default=6, gt=0)
    fresh_days: int = Field(default=14, ge=2)
    totals_band: float = Field(default=2, gt=1)
    totals_rows: int = Field(default=30, ge=1)
    booking_systems: list[str] = Field(default_factory=lambda: ["bookings", "forms"])
    booking_minutes: int = Field(default=15, ge=0)


def load_limits(config: Path) -> AuditLimits:
    """Read `audits.yml`; without the file the defaults hold. Raises ConfigError naming file, key and mistake."""
    path = config / "audits.yml"
    return read_yaml(path, AuditLimits) if path.exists() else AuditLimits()
