"""One module per row of the table; each measures its figures against what stands beside it."""
