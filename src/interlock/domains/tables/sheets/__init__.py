"""Files that people fill: CSV and XLSX, read row by row with their line numbers, and written."""
