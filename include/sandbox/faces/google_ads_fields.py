"""The fields of the Google Ads API that the sandbox company's account can show: names, types, and where values stand.

A field is named as in GAQL (`ad_group_ad.ad.final_urls`); on the wire its path is lowerCamelCase. Each resource sees
its own fields, those of the resources above it, segments and metrics.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

# Resource of FROM -> resources whose fields it may select, beside segments and metrics.
VISIBLE: dict[str, tuple[str, ...]] = {
    "customer": ("customer",),
    "campaign": ("customer", "campaign"),
    "ad_group": ("customer", "campaign", "ad_group"),
    "ad_group_ad": ("customer", "campaign", "ad_group", "ad_group_ad"),
    "click_view": ("customer", "campaign", "ad_group", "click_view"),
}
# The columns that make one row of a resource.
GRAIN: dict[str, tuple[str, ...]] = {
    "customer": (),
    "campaign": ("campaign_id",),
    "ad_group": ("campaign_id", "ad_group_id"),
    "ad_group_ad": ("campaign_id", "ad_group_id", "ad_id"),
}
# Filters on these need not be selected, and bound the range that a query with date segments must have.
CORE_DATES = frozenset(f"segments.{name}" for name in ("date", "week", "month", "quarter", "year"))
ENUMS: dict[str, frozenset[str]] = {
    "customer.status": frozenset({"ENABLED", "CANCELED", "SUSPENDED", "CLOSED"}),
    "campaign.status": frozenset({"ENABLED", "PAUSED", "REMOVED"}),
    "campaign.advertising_channel_type": frozenset({"SEARCH", "DISPLAY", "VIDEO", "DEMAND_GEN", "PERFORMANCE_MAX"}),
    "ad_group.status": frozenset({"ENABLED", "PAUSED", "REMOVED"}),
    "ad_group_ad.status": frozenset({"ENABLED", "PAUSED", "REMOVED"}),
    "ad_group_ad.ad.type": frozenset({"RESPONSIVE_SEARCH_AD"}),
    "segments.day_of_week": frozenset(
        {"MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"},
    ),
}
# Additive metrics are columns of the recorded rows; a ratio is (numerator, denominator, factor) of them.
ADDITIVE: dict[str, str] = {
    "metrics.impressions": "impressions",
    "metrics.clicks": "clicks",
    "metrics.interactions": "clicks",
    "metrics.cost_micros": "cost_micros",
    "metrics.conversions": "conversions",
    "metrics.conversions_value": "conversions_value",
    "metrics.all_conversions": "conversions",
    "metrics.all_conversions_value": "conversions_value",
}
RATIOS: dict[str, tuple[str, str, float]] = {
    "metrics.ctr": ("clicks", "impressions", 1.0),
    "metrics.average_cpc": ("cost_micros", "clicks", 1.0),  # micros, as a double
    "metrics.average_cpm": ("cost_micros", "impressions", 1000.0),
    "metrics.cost_per_conversion": ("cost_micros", "conversions", 1.0),
    "metrics.conversions_from_interactions_rate": ("conversions", "clicks", 1.0),
    "metrics.value_per_conversion": ("conversions_value", "conversions", 1.0),
}
_INT64_METRICS = frozenset({"metrics.impressions", "metrics.clicks", "metrics.interactions", "metrics.cost_micros"})

_ATTRIBUTES: dict[str, str] = {
    "customer.resource_name": "string",
    "customer.id": "int64",
    "customer.descriptive_name": "string",
    "customer.currency_code": "string",
    "customer.time_zone": "string",
    "customer.auto_tagging_enabled": "bool",
    "customer.manager": "bool",
    "customer.test_account": "bool",
    "customer.status": "enum",
    "customer.tracking_url_template": "string",
    "customer.final_url_suffix": "string",
    "campaign.resource_name": "string",
    "campaign.id": "int64",
    "campaign.name": "string",
    "campaign.status": "enum",
    "campaign.advertising_channel_type": "enum",
    "campaign.tracking_url_template": "string",
    "campaign.final_url_suffix": "string",
    "ad_group.resource_name": "string",
    "ad_group.id": "int64",
    "ad_group.name": "string",
    "ad_group.status": "enum",
    "ad_group.campaign": "string",
    "ad_group.tracking_url_template": "string",
    "ad_group.final_url_suffix": "string",
    "ad_group_ad.resource_name": "string",
    "ad_group_ad.status": "enum",
    "ad_group_ad.ad_group": "string",
    "ad_group_ad.ad.resource_name": "string",
    "ad_group_ad.ad.id": "int64",
    "ad_group_ad.ad.type": "enum",
    "ad_group_ad.ad.final_urls": "string_list",
    "ad_group_ad.ad.tracking_url_template": "string",
    "ad_group_ad.ad.final_url_suffix": "string",
    "click_view.resource_name": "string",
    "click_view.gclid": "string",
    "click_view.ad_group_ad": "string",
}
_SEGMENTS: dict[str, str] = {
    "segments.date": "date",
    "segments.week": "date",
    "segments.month": "date",
    "segments.quarter": "date",
    "segments.year": "int32",
    "segments.day_of_week": "enum",
}


@dataclass(frozen=True)
class Field:
    """One field. type: int64 | int32 | double | string | string_list | bool | enum | date."""

    name: str
    type: str

    @property
    def resource(self) -> str:
        """The first part of the name: a resource, `segments` or `metrics`."""
        return self.name.split(".", 1)[0]

    @property
    def is_metric(self) -> bool:
        return self.resource == "metrics"

    @property
    def is_segment(self) -> bool:
        return self.resource == "segments"

    @cached_property
    def path(self) -> tuple[str, ...]:
        """Where the value stands in a row on the wire."""
        return tuple(camel(part) for part in self.name.split("."))


def camel(name: str) -> str:
    """`cost_micros` -> `costMicros`."""
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)


FIELDS: dict[str, Field] = {
    name: Field(name, type_)
    for name, type_ in {
        **_ATTRIBUTES,
        **_SEGMENTS,
        **{name: "int64" if name in _INT64_METRICS else "double" for name in (*ADDITIVE, *RATIOS)},
    }.items()
}
