"""Dashboards as code for Apache Superset. Runs in Superset's own environment (.venv-bi) and imports nothing of rebuttal."""
