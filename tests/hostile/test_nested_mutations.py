"""Archives within a bundle, changed at random, with an engine that opens none of them (T20, C20)."""

from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.verdict import Verdict
from tests.factories.hostile.raw import entry, gz, tgz
from tests.hostile.readers import MARKER, visible
from tests.hostile.test_mutations import PLAIN, changed, changes, verdict_of


class Inner:
    """An archive that was tampered with, as it is stored and as others get it to read, in gzip."""

    def __init__(self, how: tuple[object, ...], stored: bytes, readable: bytes) -> None:
        self.how = how
        self.stored = stored
        self.readable = readable

    def __repr__(self) -> str:
        return repr(self.how)


@st.composite
def inner_archives(draw: st.DrawFn) -> Inner:
    name = draw(st.sampled_from(sorted(PLAIN)))
    what = draw(st.just([]) | changes)
    plain = changed(PLAIN[name], what)
    if plain[257:262] != b"ustar":  # nobody takes it for a tar, although GNU tar, once told so, finds one
        plain = PLAIN[name]
    how = draw(
        st.sampled_from(["tar", "cut tar", "tgz", "cut tgz", "wrong CRC", "odd header", "tail", "flipped"])
    )
    if how == "cut tar":
        plain = plain[: draw(st.integers(1, len(plain)))]
    if how in {"tar", "cut tar"}:
        return Inner((name, what, how, len(plain)), plain, gz(plain))
    packed = {
        "wrong CRC": gz(plain, crc=1),
        "odd header": gz(
            plain, extra=bytes(draw(st.integers(0, 200))), name=b"n" * draw(st.integers(0, 1500))
        ),
        "tail": gz(plain) + draw(st.sampled_from([b"\0", bytes(512), b"junk"])) + tgz(entry(b"bad", MARKER)),
    }.get(how) or gz(plain)
    if how == "cut tgz":
        packed = packed[: draw(st.integers(20, len(packed)))]
    if how == "flipped":
        at = draw(st.integers(10, len(packed) - 1))
        packed = packed[:at] + bytes((packed[at] ^ 1 << draw(st.integers(0, 7)),)) + packed[at + 1 :]
    return Inner((name, what, how, len(packed)), packed, packed)


@settings(deadline=None, max_examples=200)
@given(inner_archives())
def test_what_any_reader_gets_out_of_an_inner_archive_is_never_clean(inner: Inner) -> None:
    outer = tgz(entry(b"before", b"fine"), entry(b"inner", inner.stored), entry(b"behind", b"fine"))
    if verdict_of(outer) is Verdict.CLEAN:
        assert not visible(inner.readable)
