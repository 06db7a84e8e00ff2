"""``python -m neuroloom`` is the command ``neuroloom``."""

from neuroloom.cli import main

if __name__ == "__main__":
    main()
