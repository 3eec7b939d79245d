"""The native REST API: a table of routes over operations. From a URL to the work: its line in routes/, the function."""
