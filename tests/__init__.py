"""The test suite: what each part of Interlock promises, by behaviour."""
