"""`python -m interlock`: the same as the `interlock` command."""

from interlock.main import cli

if __name__ == "__main__":
    cli()
