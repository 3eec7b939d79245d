"""The dashboard: pages for people, rendered on the server. It calls operations only and holds no rule."""
