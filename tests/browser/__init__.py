"""Pages in a real browser: playwright drives the system's chromium."""
