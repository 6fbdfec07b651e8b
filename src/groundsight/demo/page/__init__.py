"""`report.html` of the demo: one page that holds all that it shows."""
