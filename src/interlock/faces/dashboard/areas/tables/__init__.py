"""Tables: their columns, a grid of their rows, files in and out, and what starts when a row changes."""

from interlock.faces.dashboard.areas.tables import definition, files, grid, rows, triggers

ROUTES = (*definition.ROUTES, *files.ROUTES, *grid.ROUTES, *rows.ROUTES, *triggers.ROUTES)
