"""PLAN: goals, budgets and pacing, experiments with stopping rules, forecasts in three scenarios; fed by the plan in
the configuration.
"""
