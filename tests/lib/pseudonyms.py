"""The village bank with identifiers that are hashed, a key, and pseudonyms computed from their definition."""

from __future__ import annotations

from hashlib import blake2b
from pathlib import Path

from tests.lib.deliveries import SOURCE_YAML

KEY = "00112233445566778899aabbccddeeff0f1e2d3c4b5a69788796a5b4c3d2e1f0"
OTHER_KEY = KEY[::-1]

YAML = (
    SOURCE_YAML.replace(
        "columns: [person, born, village]",
        "columns: [person, born, village], identifiers: {person: human, village: as_delivered}",
    )
    .replace("key: [account], opt", "key: [account], identifiers: {account: account, person: human}, opt")
    .replace("kind, note]", "kind, note], identifiers: {account: account}")
)

PEOPLE = "person,born,village\nHUMAN-7001,1970-05-01,north\nHUMAN-7002,1980-06-02,south\n"
ACCOUNTS = "account,person,opened\nACCT-9001,HUMAN-7001,2020-01-02\nACCT-9002,HUMAN-7002,2021-03-04\n"
BOOKINGS = (
    "booking,account,booked,amount,kind,note\n"
    "1,ACCT-9001,2024-01-02,100.00,CASH,\n"
    "2,ACCT-9001,2024-01-03,-50.25,CARD,food\n"
    "3,ACCT-9002,2024-01-03 10:30:00,7,TRANSFER,NULL\n"
    "4,ACCT-9002,2024-01-04,seven,CASH,\n"
    "5,ACCT-9003,2024-01-04,1,CASH,\n"
)
DELIVERY: dict[str, str | bytes | None] = {
    "people.csv": PEOPLE,
    "accounts.csv.gz": ACCOUNTS,
    "bookings_1.csv.gz": BOOKINGS,
}
RAW = ("HUMAN-7", "ACCT-9")


def pseudonym(text: str, namespace: str, *, source: str = "village", key: str = KEY) -> str:
    """The definition: BLAKE2b of the text under the namespace's own key, 96 bits."""
    own = blake2b(f"{source}\0{namespace}".encode(), key=bytes.fromhex(key), digest_size=32).digest()
    return blake2b(text.encode(), key=own, digest_size=12).hexdigest()


def places_of(texts: tuple[str, ...], folder: Path) -> list[str]:
    """The files below a folder, but for raw copies, whose bytes hold one of the texts."""
    files = [path for path in folder.rglob("*") if path.is_file() and "raw" not in path.relative_to(folder).parts[:1]]
    return [str(path.relative_to(folder)) for path in files if any(t.encode() in path.read_bytes() for t in texts)]
