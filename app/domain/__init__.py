"""The rules of Diagport in pure Python: no I/O, no framework."""
