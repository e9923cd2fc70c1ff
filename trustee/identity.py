"""Who a trustee is: its names and its private key."""

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from protocol.governance import Trustee as PublicTrustee


class TrusteeIdentity(msgspec.Struct, frozen=True):
    """A trustee's name in certificates, its name for people (`title`), and its private key."""

    collectivity: str
    name: str
    title: str
    signing_key: Ed25519PrivateKey

    @classmethod
    def draw(cls, collectivity: str, name: str, title: str = "") -> "TrusteeIdentity":
        """Generate the key."""
        return cls(collectivity, name, title or name, Ed25519PrivateKey.generate())

    @property
    def public(self) -> PublicTrustee:
        """The trustee's entry in the trustee set."""
        public_key = self.signing_key.public_key().public_bytes_raw()
        return PublicTrustee(self.name, self.title, public_key)
