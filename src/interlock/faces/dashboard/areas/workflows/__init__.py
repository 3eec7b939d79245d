"""Workflows: the list, templates, imports, the graph editor, workflows as text, versions, and runs that light up."""

from interlock.faces.dashboard.areas.workflows import editing, listing, running, texts

ROUTES = (*listing.ROUTES, *editing.ROUTES, *texts.ROUTES, *running.ROUTES)
