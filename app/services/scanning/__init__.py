"""The scan: `claims` decides who may scan and whose verdict counts, `examine` does the work."""
