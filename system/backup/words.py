"""The messages of successful backup commands; a household's commands also have them in French."""

from typing import NamedTuple

from system.passphrase import PROMPTS, Prompts


class Words(NamedTuple):
    """The sentences: written, locked by a key, files unknown, restored, opened, drawn, asked.

    `confirm` is asked before a backup that is locked by a key is restored. `would_say` and `untried`
    end what `restore --check` says.
    """

    wrote: str
    by_key: str
    unknown: str
    confirm: str
    restored: str
    whole: str
    would_say: str
    untried: str
    drew_phrase: str
    drew_key: str
    prompts: Prompts


ENGLISH = Words(
    wrote="Wrote {file}: {owner}, {count} files, {size_bytes} bytes; read back, all of it is there.",
    by_key="Only the private key opens it; try it there with `restore --check --key`.",
    unknown="Not in it, as Volet does not know them: {names}. Copy them yourself if they matter.",
    confirm=(
        "This is a backup of {owner}, made at {made_at} UTC by its own word, with {count} files. "
        "Anybody who has the public key can have written it, and what is put back is trusted "
        "wholly. Is it from where you keep yours, and of that time?"
    ),
    restored="Restored {owner} into {directory}: {count} files, as they were at {made_at} UTC.",
    whole="{file} opens and is whole: {owner}, made at {made_at} UTC by Volet {version}.",
    would_say="A restore would say: {message}",
    untried=(
        "What a restore would say of it was not tried: {memory} has no room for its {size_bytes} bytes."
    ),
    drew_phrase="Passphrase: {passphrase}",
    drew_key=(
        "Drew the key {key}: {out} opens backups, keep it off the machine that writes them, and "
        "keep a copy; `volet {party} backup --to {public}` writes them."
    ),
    prompts=PROMPTS,
)
