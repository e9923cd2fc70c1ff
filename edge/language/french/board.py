"""French of errors about the board that the meter's line is on."""

BOARD = {
    "This is no Debian 12 or 13, or Raspberry Pi OS made of them, so what this program knows of "
    "its files may be wrong; set the board up by its documentation.": (
        "Ce n'est ni Debian 12 ou 13, ni un Raspberry Pi OS qui en vient, donc ce que ce programme "
        "sait de ses fichiers peut être faux ; réglez la carte d'après sa documentation."
    ),
    "{path} is not there, where Raspberry Pi OS has it; set the board up by the documentation of "
    "its system.": (
        "{path} n'existe pas, là où Raspberry Pi OS le met ; réglez la carte d'après la "
        "documentation de son système."
    ),
    "config.txt, line {number}: `{line}` may decide about the line on the header, and this program "
    "does not know how; set that by hand.": (
        "config.txt, ligne {number} : `{line}` peut décider de la ligne du connecteur, et ce "
        "programme ne sait pas comment ; réglez cela à la main."
    ),
    "cmdline.txt has {count} lines, and the firmware reads one; put that right first.": (
        "cmdline.txt a {count} lignes, et le micrologiciel en lit une ; corrigez-le d'abord."
    ),
    "cmdline.txt gives the line to the kernel's debugger (`{word}`); take that out by hand if it is "
    "not wanted.": (
        "cmdline.txt donne la ligne au débogueur du noyau (`{word}`) ; retirez cela à la main s'il "
        "n'est pas voulu."
    ),
    "{device} is not there; is the adapter plugged in?": (
        "{device} n'existe pas ; l'adaptateur est-il branché ?"
    ),
    "The meter may be on one of several lines; name it with --line: {lines}": (
        "Le compteur peut être sur plusieurs lignes ; nommez la sienne avec --line : {lines}"
    ),
    "There is neither a USB adapter in /dev/serial/by-id nor a Raspberry Pi whose header could be "
    "set up; plug the adapter in, or run this on the Pi.": (
        "Il n'y a ni adaptateur USB dans /dev/serial/by-id, ni Raspberry Pi dont le connecteur "
        "pourrait être réglé ; branchez l'adaptateur, ou lancez ceci sur le Pi."
    ),
    "The board is a {model}, whose header this program does not know; set it up by its "
    "documentation, or take a USB adapter.": (
        "La carte est un {model}, dont ce programme ne connaît pas le connecteur ; réglez-le "
        "d'après sa documentation, ou prenez un adaptateur USB."
    ),
    "{path} names its source in a way that this program does not know.": (
        "{path} nomme sa source d'une façon que ce programme ne connaît pas."
    ),
    "{path} has changed meanwhile; run this again.": (
        "{path} a changé entre-temps ; relancez cette commande."
    ),
    "{path} may only be changed by root; put `sudo` before this.": (
        "{path} ne peut être changé que par root ; mettez `sudo` devant cette commande."
    ),
}
