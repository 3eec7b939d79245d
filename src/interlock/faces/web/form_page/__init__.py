"""The page of a form as people see it: the same for the public and for the preview of its maker."""
