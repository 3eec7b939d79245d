"""What the support desk is given: mails and facts, from the folder of the example."""

from dataclasses import dataclass
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from pathlib import Path

from interlock.faces.cli.demo.material import example
from interlock.kit.errors import invalid
from interlock.runtime.settings import Settings

FOLDER = "support-triage"


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail to the support desk; its id is that of the message."""

    id: str
    name: str
    address: str
    subject: str
    text: str


@dataclass(frozen=True, slots=True)
class Material:
    """Mails, and what the shop knows."""

    letters: tuple[Letter, ...]
    facts: tuple[str, ...]


def read_material(settings: Settings) -> Material:
    """Everything in the folder.

    Raises:
        InterlockError: NOT_FOUND without the folder; INVALID when two mails have one id.
    """
    folder = example(settings, FOLDER, "memories.txt")
    letters = tuple(_letter(file) for file in sorted((folder / "mails").glob("*.eml")))
    if len({letter.id for letter in letters}) < len(letters):
        raise invalid("Two mails have the same Message-ID.", field="mails", hint=f"Look into {folder / 'mails'}.")
    facts = (folder / "memories.txt").read_text(encoding="utf-8").splitlines()
    return Material(letters, tuple(line.strip() for line in facts if line.strip()))


def _letter(file: Path) -> Letter:
    message = BytesParser(EmailMessage, policy=default).parsebytes(file.read_bytes())
    body = message.get_body(("plain",))
    sender = message["From"].addresses[0]
    return Letter(
        id=str(message["Message-ID"]),
        name=sender.display_name or sender.addr_spec,
        address=sender.addr_spec,
        subject=str(message["Subject"]),
        text="" if body is None else str(body.get_content()).strip(),
    )
