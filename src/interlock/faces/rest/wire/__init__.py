"""What native replies look like, as types; projections of domain views."""
