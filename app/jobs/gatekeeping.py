"""Testing the scanner, again and again, and opening or closing the gate as it did."""

from collections.abc import Callable

from app.domain.errors import DependencyError, ScannerUnavailableError
from app.domain.verdict import Engine
from app.log import get_logger
from app.services import engine, gate, scanners
from app.services.gate import Begun
from app.services.scanning.probes import probe
from app.system import System

log = get_logger(__name__)

_SILENCE = 300  # seconds without an answer of the scanner that close the gate


def ask_engine(system: System) -> Engine:
    """Note which engine and signatures answer, for the pages to show, and return it.

    Raises:
        ScannerUnavailableError: none does. One that has not for long closes the gate.
    """
    try:
        answer = system.adapters.scanner.engine()
    except ScannerUnavailableError:
        with system.work() as uow:
            if engine.silent_for(uow, _SILENCE):
                gate.close(uow, "The virus scanner has not answered for more than five minutes.")
        raise
    with system.work() as uow:
        engine.report(uow, answer)
    return answer


def tend_gate(system: System) -> None:
    """Test the scanner of this process if it is time to, or if it is another now than was tested."""
    answer = ask_engine(system)
    with system.work() as uow:
        begun = gate.begin_if_due(uow, answer)
    if begun:
        _probe(system, answer, begun)


def tending() -> Callable[[System], None]:
    """Return `tend_gate` for a process that starts: its first test is not put off, whatever others know.

    What is known of a scanner may be of one that was at its place before.
    """
    done = False
    later = tend_gate

    def first(system: System) -> None:
        nonlocal done
        if done:
            later(system)
        else:
            _test(system, ask_engine(system))
            done = True

    first.__name__ = later.__name__  # of the step that it is
    return first


def prove_own(system: System, answer: Engine) -> None:
    """Test this process's own scanner if nobody has, as it is now, though others keep the gate open.

    Its own `worker.py gate` should have. Until somebody has, nothing is claimed for it.

    Raises:
        ScannerUnavailableError: it went away.
    """
    with system.work() as uow:
        due = gate.is_open(uow) and scanners.untested(uow, answer)
    if due:
        with system.work() as uow:  # another one: who looks at the gate keeps others from changing it
            begun = gate.begin_if_due(uow, answer)
        if begun:
            _probe(system, answer, begun)


def before_work(system: System) -> str | None:
    """Test the scanner whatever others know of it, before a worker takes its first job.

    Return why this engine must not be used at all, if that is so. A scanner or a database that is
    away is no reason: nothing is scanned until the gate has opened.
    """
    try:
        answer = ask_engine(system)
        if system.settings.environment == "production" and (weak := engine.weakness(answer)):
            return weak
        _test(system, answer)
    except DependencyError as error:
        log.warning("probe_put_off", why=error.message, **error.context)
    return None


def _test(system: System, answer: Engine) -> None:
    """Test it, though another does at this moment."""
    with system.work() as uow:
        begun = gate.begin(uow)
    _probe(system, answer, begun)


def _probe(system: System, answer: Engine, begun: Begun) -> None:
    try:
        probes = probe(system.adapters.scanner, system.settings)
    except ScannerUnavailableError:
        with system.work() as uow:
            gate.give_up(uow, begun)
        raise
    with system.work() as uow:
        gate.conclude(uow, begun, answer, probes)
