"""One module or package an area of the dashboard: its handlers and its ROUTES."""
