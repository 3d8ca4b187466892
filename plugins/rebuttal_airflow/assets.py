"""Every asset in loop order: the table of contents of the pipeline.

pull__<source> -> landing/<source> -> admit -> core -> model -> marts -> listen -> objections
               -> answer -> content_tasks -> prove -> effects          tell: by the clock
webhook -> inbox -> the fast way to content_tasks, beside it
"""

from __future__ import annotations

from airflow.sdk import Asset, AssetWatcher

from rebuttal_airflow.triggers import InboxTrigger

SOURCES = ("google_ads", "yandex_direct", "yandex_metrica", "ga4", "hubspot", "typeform", "yclients")

LANDING = {source: Asset(name=f"landing/{source}", uri=f"rebuttal://landing/{source}") for source in SOURCES}
CORE = Asset(name="core", uri="rebuttal://core")
MARTS = Asset(name="marts", uri="rebuttal://marts")
OBJECTIONS = Asset(name="objections", uri="rebuttal://objections")
CONTENT_TASKS = Asset(name="content_tasks", uri="rebuttal://content_tasks")
EFFECTS = Asset(name="effects", uri="rebuttal://effects")
INBOX = Asset(name="inbox", uri="rebuttal://inbox", watchers=[AssetWatcher(name="inbox_waits", trigger=InboxTrigger())])
