"""What pipelines run. Standard library only, and no import of the portal."""
