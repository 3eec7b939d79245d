"""Tables: typed columns, rows, formulas, history, triggers, import and export."""
