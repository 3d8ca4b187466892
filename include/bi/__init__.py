"""Dashboards as code for Apache Superset; runs in Superset's own environment and imports nothing of rebuttal."""
