"""Python tools of this repository; run from its root: `python -m tools.PACKAGE.MODULE`."""
