"""Airflow's navigation leads to the dashboards where there are any, and to nothing that could run in its pages."""

from __future__ import annotations

import importlib

import pytest


@pytest.mark.parametrize(
    ("address", "there"),
    [
        ("http://127.0.0.1:8088/dashboard/list/", ["http://127.0.0.1:8088/dashboard/list/"]),
        ("https://bi.example.com/", ["https://bi.example.com/"]),
        ("", []),
        ("javascript:alert(1)", []),
    ],
)
def test_the_way_to_the_dashboards(monkeypatch: pytest.MonkeyPatch, address: str, there: list[str]) -> None:
    from rebuttal_airflow import plugin

    monkeypatch.setenv("REBUTTAL_BI_URL", address)
    views = importlib.reload(plugin).RebuttalPlugin.external_views
    assert [view["href"] for view in views if view["name"] == "Dashboards"] == there
    assert [view["href"] for view in views if view["name"] == "Data quality"] == ["/quality/"]
    assert [view["href"] for view in views if view["name"] == "Open alerts"] == ["/quality/open"]
    monkeypatch.undo()
    importlib.reload(plugin)
