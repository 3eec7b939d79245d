"""The dry run of a policy over what was decided lately."""
