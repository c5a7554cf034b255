"""The EICAR test file, never in plain text here: scanners on the way would take it for the real thing."""


def eicar() -> bytes:
    """Return the 68 bytes that every scanner reports (eicar.org)."""
    return b"*H+H$!ELIF-TSET-SURIVITNA-DRADNATS-RACIE$}7)CC7)^P(45XZP\\4[PA@%P!O5X"[::-1]
