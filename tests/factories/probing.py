"""What a scanner must answer to pass the probes, for those that are no clamd."""

from app.domain.verdict import StreamResult, StreamVerdict
from app.services.scanning.probes import encrypted, too_deep
from tests.factories.eicar import eicar
from tests.fakes import FakeScanner


def teach(scanner: FakeScanner) -> None:
    """Let the scanner do all that it must."""
    scanner.answers |= {
        eicar(): StreamVerdict(StreamResult.INFECTED, "Eicar"),
        too_deep(): StreamVerdict(StreamResult.LIMIT, "Heuristics.Limits.Exceeded.MaxRecursion"),
        encrypted(): StreamVerdict(StreamResult.ENCRYPTED, "Heuristics.Encrypted.Zip"),
    }
