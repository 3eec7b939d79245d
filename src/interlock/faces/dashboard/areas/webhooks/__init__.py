"""Webhooks: addresses that start work here, addresses that are told of news, and what became of every call."""

from interlock.faces.dashboard.areas.webhooks import deliveries, hooks, subscriptions

ROUTES = (*hooks.ROUTES, *subscriptions.ROUTES, *deliveries.ROUTES)
