"""Kinds of nodes, one folder each; a new folder is a new kind, and no other file knows of it."""
