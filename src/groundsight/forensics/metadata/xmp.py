"""XMP packets and IPTC blocks as (name, text) pairs, within limits.

XMP is XML from strangers: a document type declaration ends the reading, so no entity is ever
defined or expanded; depth, number and length of values are bounded; broken XML gives what was
read before the break.
"""

from collections.abc import Iterator
from xml.parsers import expat

MAX_PACKET_BYTES = 1 << 20
MAX_VALUES = 2_000
MAX_VALUE_CHARS = 1 << 16
MAX_DEPTH = 64

# Element names that only hold a list; their text belongs to the property around them.
_CONTAINERS = frozenset({"Alt", "Bag", "Seq", "li", "Description", "RDF", "xmpmeta", "xapmeta"})

IPTC_NAMES = {
    5: "Title",
    25: "Keywords",
    40: "Instructions",
    65: "OriginatingProgram",
    80: "Creator",
    105: "Headline",
    110: "Credit",
    115: "Source",
    116: "Copyright",
    120: "Description",
}


class _StopReading(Exception):
    """A limit was reached or a declaration that we refuse."""


class _Collector:
    """Expat handlers that gather property values by local name."""

    def __init__(self) -> None:
        self.pairs: list[tuple[str, str]] = []
        self._names: list[str] = []
        self._text: list[str] = []
        self._chars = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if len(self._names) >= MAX_DEPTH:
            raise _StopReading
        self._flush()
        local = name.rpartition(":")[2]
        self._names.append(local)
        for key, value in attributes.items():
            if key.startswith("xmlns") or key == "xml:lang":
                continue
            attribute = key.rpartition(":")[2]
            # <Iptc4xmpExt:DigitalSourceType rdf:resource="…"/>: the value is in the attribute.
            self._add(self._property() if attribute == "resource" else attribute, value)

    def end(self, name: str) -> None:
        self._flush()
        self._names.pop()

    def characters(self, text: str) -> None:
        self._chars += len(text)
        if self._chars <= MAX_VALUE_CHARS:
            self._text.append(text)

    def refuse(self, *_: object) -> None:
        raise _StopReading

    def _flush(self) -> None:
        text, self._text, self._chars = "".join(self._text).strip(), [], 0
        if text:
            self._add(self._property(), text)

    def _property(self) -> str:
        outer = (name for name in reversed(self._names) if name not in _CONTAINERS)
        return next(outer, "text")

    def _add(self, name: str, value: str) -> None:
        if len(self.pairs) >= MAX_VALUES:
            raise _StopReading
        self.pairs.append((name, value[:MAX_VALUE_CHARS]))


def read_xmp(packet: bytes) -> list[tuple[str, str]]:
    """Property values of an XMP packet, by local name ("CreatorTool"), in document order.

    Args:
        packet: the XML, with or without the xpacket wrapper; anything may come.

    Returns:
        At most `MAX_VALUES` pairs; values are stripped, never empty.
    """
    collector = _Collector()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = collector.start
    parser.EndElementHandler = collector.end
    parser.CharacterDataHandler = collector.characters
    parser.StartDoctypeDeclHandler = collector.refuse
    parser.EntityDeclHandler = collector.refuse
    try:
        parser.Parse(packet[:MAX_PACKET_BYTES].strip(b"\0 \t\r\n"), True)
    except (expat.ExpatError, _StopReading, ValueError, IndexError):
        pass  # what was read so far stands
    return [(name, value) for name, value in collector.pairs if value.strip()]


def read_iptc(block: bytes) -> list[tuple[str, str]]:
    """The application record (2:…) of an IPTC-IIM block as (name, text) pairs.

    Source: IPTC-NAA Information Interchange Model 4.2, §1.5: 0x1C, record, dataset, 16-bit length.
    """
    return list(_datasets(block[:MAX_PACKET_BYTES]))[:MAX_VALUES]


def _datasets(block: bytes) -> Iterator[tuple[str, str]]:
    at = 0
    while at + 5 <= len(block) and block[at] == 0x1C:
        record, dataset = block[at + 1], block[at + 2]
        size = int.from_bytes(block[at + 3 : at + 5], "big")
        if size & 0x8000:  # an extended dataset: none of those that we read
            return
        text = block[at + 5 : at + 5 + size].decode("utf-8", "replace").strip("\0 \r\n\t")
        if record == 2 and dataset in IPTC_NAMES and text:
            yield IPTC_NAMES[dataset], text
        at += 5 + size
