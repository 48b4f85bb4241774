"""`python -m gms_replay.cli`."""

from gms_replay.cli.main import main

if __name__ == "__main__":
    main()
