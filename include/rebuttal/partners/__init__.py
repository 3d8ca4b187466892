"""PARTNERS: agreements, status words mapped to one booking lifecycle, the leak report, isolation of what is a
partner's own.
"""
