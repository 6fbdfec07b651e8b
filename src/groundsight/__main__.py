"""`python -m groundsight`: the same as the command `groundsight`."""

from groundsight.cli.app import main

if __name__ == "__main__":
    main()
