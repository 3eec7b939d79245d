"""Agents: the list, the form with what stands over its tools and a place to try it, and every version."""

from interlock.faces.dashboard.areas.agents import editing, listing, trying, versions

ROUTES = (*listing.ROUTES, *editing.ROUTES, *versions.ROUTES, *trying.ROUTES)
