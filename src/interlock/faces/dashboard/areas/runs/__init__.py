"""Runs: the live list, one run as a timeline, what can be done about it, and its events as stored."""

from interlock.faces.dashboard.areas.runs import doing, events, listing, showing

ROUTES = (*listing.ROUTES, *events.ROUTES, *doing.ROUTES, *showing.ROUTES)
