"""Schedules: workflows and agents that start by the clock, each due moment once, whatever dies in between."""
