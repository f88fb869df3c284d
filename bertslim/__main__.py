"""`python -m bertslim`, which launchers such as accelerate need."""

from bertslim.cli import main

if __name__ == "__main__":
    main()
