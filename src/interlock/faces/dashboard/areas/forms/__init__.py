"""Forms: a builder with a preview of the real page, where answers go, and what was sent in."""

from interlock.faces.dashboard.areas.forms import builder, submissions

ROUTES = (*builder.ROUTES, *submissions.ROUTES)
