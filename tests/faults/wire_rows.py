"""Faulty rows as a vendor sends them: the JSON literal at one path of a Google Ads row, and what must come of the row.

`Quarantined(check, shown)`: it is in quarantine for that reason, and `shown` begins the value that is told.
`Admitted(column, value)`: it is in core with that value. Both engines must say the same.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Quarantined:
    check: str
    shown: str | None = None


@dataclass(frozen=True)
class Admitted:
    column: str
    value: str


@dataclass(frozen=True)
class WireRow:
    number: int
    injected: str
    path: str
    literal: str  # JSON as it stands on the wire; empty: the field is not there
    outcome: Quarantined | Admitted


Q, A = Quarantined, Admitted
DEEP = "[" * 400 + "1" + "]" * 400
DEEPER = '{"a":' * 5_000 + "1" + "}" * 5_000

WIRE_ROWS = [
    WireRow(59, "a number became a word", "metrics.clicks", '"many"', Q("values_readable", "clicks=many")),
    WireRow(59, "a number became an object", "metrics.clicks", '{"value":3}', Q("row_decoded", "schema:clicks")),
    WireRow(59, "a text became a list", "campaign.name", '["Brand"]', Q("row_decoded", "schema:campaign_name")),
    WireRow(59, "an object became a list", "metrics", "[1,2]", Q("row_decoded", "schema:metrics")),
    WireRow(59, "an object became a text", "adGroupAd", '"22"', Q("row_decoded", "schema:adGroupAd")),
    WireRow(59, "an object became a list, deeper", "adGroupAd.ad", "[]", Q("row_decoded", "schema:adGroupAd.ad")),
    WireRow(59, "a field is gone", "metrics.impressions", "", Q("impressions_present")),
    WireRow(59, "an object is gone", "adGroupAd", "", Q("key_present")),
    WireRow(60, "a new field", "metrics.brandNew", "[1]", A("clicks", "37")),
    WireRow(62, "null in a required field", "metrics.costMicros", "null", Q("cost_present")),
    WireRow(62, "empty text in a required field", "metrics.costMicros", '""', Q("cost_present")),
    WireRow(62, "the word null as an amount", "metrics.costMicros", '"null"', Q("values_readable", "cost_micros=null")),
    WireRow(62, "the word null as an id", "adGroupAd.ad.id", '"null"', Q("key_present")),
    WireRow(62, "blanks as an id", "adGroupAd.ad.id", '"  "', Q("key_present")),
    WireRow(62, "NaN", "metrics.impressions", "NaN", Q("values_readable", "impressions=NaN")),
    WireRow(62, "Infinity", "metrics.conversions", "Infinity", Q("values_readable", "conversions=Infinity")),
    WireRow(62, "-Infinity", "metrics.conversionsValue", "-Infinity", Q("values_readable")),
    WireRow(62, "1e400", "metrics.conversions", "1e400", Q("values_readable", "conversions=1e400")),
    WireRow(62, "negative spend", "metrics.costMicros", '"-5000000"', Q("cost_not_negative")),
    WireRow(62, "clicks above impressions", "metrics.clicks", "1201", Q("clicks_within_impressions", "1201 clicks")),
    WireRow(62, "an id of 2^53+1 as a number", "adGroupAd.ad.id", "9007199254740993", A("ad_id", "9007199254740993")),
    WireRow(62, "an id above 2^64", "adGroupAd.ad.id", "36893488147419103233", A("ad_id", "36893488147419103233")),
    WireRow(62, "an id that was a float", "adGroupAd.ad.id", "9007199254740992.0", Q("id_exact")),
    WireRow(62, "an id that was a float, short", "adGroupAd.ad.id", "9.007199254740992E+15", Q("id_exact")),
    WireRow(63, "an amount as in German", "metrics.costMicros", '"1.234,56"', Q("values_readable", "cost_micros=1.")),
    WireRow(63, "an amount as in Ukrainian", "metrics.costMicros", '"1\u00a0234,56"', Q("values_readable")),
    WireRow(63, "thousands as in English", "metrics.impressions", '"1,234"', Q("values_readable", "impressions=1,234")),
    WireRow(63, "units where millionths stand", "metrics.costMicros", '"18.45"', Q("values_readable")),
    WireRow(63, "more than there is money", "metrics.costMicros", '"9' + "0" * 20 + '"', Q("values_readable")),
    WireRow(65, "a leap day", "segments.date", '"2024-02-29"', A("report_date", "2024-02-29")),
    WireRow(65, "a leap day that is none", "segments.date", '"2025-02-29"', Q("values_readable", "date=2025-02-29")),
    WireRow(65, "the end of a year", "segments.date", '"2025-12-31"', A("report_date", "2025-12-31")),
    WireRow(65, "the end of time", "segments.date", '"9999-12-31"', Q("report_date_possible", "9999-12-31")),
    WireRow(65, "the epoch", "segments.date", '"1970-01-01"', Q("report_date_possible", "1970-01-01")),
    WireRow(65, "seconds", "segments.date", "1761782400", Q("values_readable", "date=1761782400")),
    WireRow(65, "milliseconds", "segments.date", "1761782400000", Q("values_readable", "date=1761782400000")),
    WireRow(67, "an unknown currency", "customer.currencyCode", '"EURO"', Q("currency_known", "EURO")),
    WireRow(67, "money without a currency", "customer.currencyCode", "null", Q("currency_known")),
    WireRow(67, "a second currency in one answer", "customer.currencyCode", '"uah"', A("currency", "UAH")),
    WireRow(74, "half a character", "campaign.name", r'"a\ud800b"', Q("row_decoded", "encoding")),
    WireRow(74, "NUL", "campaign.name", r'"a\u0000b"', Q("row_decoded", "encoding")),
    WireRow(74, "bytes that are no UTF-8", "campaign.name", '"a\udcd0\udcff\udcc3(b"', Q("row_decoded", "encoding")),
    WireRow(74, "text from right to left", "campaign.name", '"\u202eabc\u202c"', A("campaign_name", "\u202eabc\u202c")),
    WireRow(74, "zero width", "campaign.name", '"a\u200bb\ufeff"', A("campaign_name", "a\u200bb\ufeff")),
    WireRow(74, "an emoji", "campaign.name", '"\U0001f485\U0001f3fd"', A("campaign_name", "\U0001f485\U0001f3fd")),
    WireRow(74, "an emoji, escaped", "campaign.name", r'"\ud83d\udc85"', A("campaign_name", "\U0001f485")),
    WireRow(75, "a text of 10 MB", "campaign.name", f'"{"x" * 10_000_000}"', Q("row_decoded", "oversize")),
    WireRow(75, "a value 400 deep", "campaign.name", DEEP, Q("row_decoded", "depth")),
    WireRow(75, "a value 5,000 deep", "campaign.name", DEEPER, Q("row_decoded", "depth")),
    WireRow(75, "an unknown field 400 deep", "campaign.labels", DEEP, Q("row_decoded", "depth")),
    WireRow(75, "a name twice, two values", "metrics.clicks", '3,"clicks":4', Q("row_decoded", "schema:metrics.")),
    WireRow(75, "a name twice, one value", "metrics.clicks", '3,"clicks":3', A("clicks", "3")),
]  # fmt: skip
