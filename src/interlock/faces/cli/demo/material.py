"""The demo's material, wherever Interlock was installed from: the customer's mail and the name of its conversation."""

import mailbox
import re
from dataclasses import dataclass
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from pathlib import Path

from interlock.domains.llm.scripts import script_directories
from interlock.kit.errors import InterlockError, Kind
from interlock.runtime.settings import Settings

FOLDER = "refund-desk"
SCRIPTED_MODEL = f"scripted:{FOLDER}/conversation"
_CHARGE = re.compile(r"\bch_[A-Za-z0-9]{8,}")
_ADDRESS = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")


@dataclass(frozen=True, slots=True)
class Mail:
    """A customer's message. `quoted` is what its text quotes of others."""

    sender: str
    address: str
    to: str
    subject: str
    date: str
    text: str

    @property
    def quoted(self) -> str:
        """The quoted lines."""
        return "\n".join(line for line in self.text.splitlines() if line.startswith(">"))

    @property
    def wanted_charge(self) -> str:
        """The charge the customer asks back: the last one she names herself."""
        own = "\n".join(line for line in self.text.splitlines() if not line.startswith(">"))
        return str(_CHARGE.findall(own)[-1])

    @property
    def bait(self) -> frozenset[str]:
        """Charges and addresses that only the quoted orders want something done with."""
        found = {*_CHARGE.findall(self.quoted), *_ADDRESS.findall(self.quoted)}
        return frozenset(found - {self.wanted_charge, self.address})


def example(settings: Settings, folder: str, needed: str) -> Path:
    """The folder of an example: inside the package where it was installed, beside the sources in a checkout.

    Args:
        needed: a file that it must hold.

    Raises:
        InterlockError: NOT_FOUND when this installation has none.
    """
    places = [directory / folder for directory in script_directories(settings)]
    for place in places:
        if (place / needed).is_file():
            return place
    raise InterlockError(
        Kind.NOT_FOUND,
        f"The example '{folder}' is not part of this installation.",
        code="example_missing",
        hint=f"Run from a checkout, or copy examples/{folder} into the data directory's 'scripts' folder.",
    )


def read_mail(settings: Settings) -> Mail:
    """The message in the mailbox."""
    file = example(settings, FOLDER, "mailbox.mbox") / "mailbox.mbox"
    box = mailbox.mbox(file, create=False)
    try:
        raw = box.get_bytes(box.keys()[0])
    finally:
        box.close()
    message = BytesParser(EmailMessage, policy=default).parsebytes(raw)
    body = message.get_body(("plain",))
    sender = message["From"].addresses[0]
    return Mail(
        sender=sender.display_name or sender.addr_spec,
        address=sender.addr_spec,
        to=str(message["To"]),
        subject=str(message["Subject"]),
        date=str(message["Date"]),
        text=str(body.get_content()) if body is not None else "",
    )
