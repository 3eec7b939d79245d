"""The native REST API: a table of routes over operations. Finding the work behind a URL: its line in a routes file, then the function."""
