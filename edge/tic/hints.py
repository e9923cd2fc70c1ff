"""Findings about a line as sentences on which a person can act."""

from edge.language.typography import bilingual
from edge.tic.diagnosis import LineFault

HINTS = bilingual(
    en={
        LineFault.SILENT: (
            "Nothing arrives. Look at the two wires on the meter's terminals I1 and I2, at the "
            "interface, and at the port: is it the one that the interface is on, and does no "
            "console hold it?"
        ),
        LineFault.STUCK: (
            "One and the same byte arrives: the input is stuck. Look for a wire that is off, and "
            "for the pull-up and the supply of the interface."
        ),
        LineFault.INVERTED: (
            "The signal is inverted: turned over, its bits spell a meter's labels. The interface "
            "has one inverting stage too many or too few. Swapping I1 and I2 changes nothing."
        ),
        LineFault.READ_TOO_FAST: (
            "This is historique mode (1200 bit/s), read at 9600. With --device the speed is found "
            "by itself; a capture must be taken again at 1200."
        ),
        LineFault.READ_TOO_SLOW: (
            "Nothing can be read. This looks like standard mode (9600 bit/s), read at 1200. With "
            "--device the speed is found by itself; a capture must be taken again at 9600."
        ),
        LineFault.SLOW_EDGES: (
            "Bits of 1 arrive as 0: the opto-coupler is too slow for this speed. Make its load "
            "2.2 kΩ, then 1.5 kΩ; a smaller series resistor does not help here."
        ),
        LineFault.BIT_ERRORS: (
            "Many characters are damaged. Use a twisted, shielded pair, keep it away from mains "
            "cables and inverters, and see that no other program reads the port."
        ),
        LineFault.TABS: (
            "Spaces stand where the meter sends tabs, so no checksum fits: a terminal or an editor "
            "has changed them. Use --record instead of copying."
        ),
        LineFault.COOKED: (
            "A terminal has changed the line ends or swallowed the end marks of frames. Use "
            "--device instead of cat, or `stty raw -echo` before it."
        ),
        LineFault.ECHO: (
            "Lines or characters arrive twice, or marks as ^B and ^C: a terminal echoes. Use "
            "--device instead of cat, or `stty raw -echo` before it."
        ),
        LineFault.TEXT: (
            "This is text, but no meter's. On a port it is mostly the system's console: take it "
            "off the port with `sudo volet edge setup --apply`."
        ),
    },
    fr={
        LineFault.SILENT: (
            "Rien n'arrive. Vérifiez les deux fils aux bornes I1 et I2 du compteur, l'interface, et "
            "le port : est-ce celui de l'interface, et aucune console ne l'occupe-t-elle ?"
        ),
        LineFault.STUCK: (
            "Il n'arrive qu'un seul et même octet : l'entrée est bloquée. Cherchez un fil débranché, "
            "vérifiez la résistance de rappel et l'alimentation de l'interface."
        ),
        LineFault.INVERTED: (
            "Le signal est inversé : retournés, ses bits forment les étiquettes d'un compteur. "
            "L'interface a un étage inverseur de trop, ou il en manque un. Permuter I1 et I2 n'y "
            "change rien."
        ),
        LineFault.READ_TOO_FAST: (
            "C'est le mode historique (1200 bit/s), lu à 9600. Avec --device, la vitesse se trouve "
            "toute seule ; une capture est à refaire à 1200."
        ),
        LineFault.READ_TOO_SLOW: (
            "Rien n'est lisible. Cela ressemble au mode standard (9600 bit/s), lu à 1200. Avec "
            "--device, la vitesse se trouve toute seule ; une capture est à refaire à 9600."
        ),
        LineFault.SLOW_EDGES: (
            "Des bits à 1 arrivent à 0 : l'optocoupleur est trop lent pour cette vitesse. Réduisez "
            "sa charge à 2,2 kΩ, puis à 1,5 kΩ ; réduire la résistance série n'aide pas ici."
        ),
        LineFault.BIT_ERRORS: (
            "Beaucoup de caractères sont abîmés. Prenez une paire torsadée blindée, loin des câbles "
            "du secteur et des onduleurs, et vérifiez qu'aucun autre programme ne lit le port."
        ),
        LineFault.TABS: (
            "Des espaces remplacent les tabulations du compteur, donc aucune somme de contrôle n'est "
            "juste : un terminal ou un éditeur les a changées. Utilisez --record au lieu de copier."
        ),
        LineFault.COOKED: (
            "Un terminal a changé les fins de ligne, ou avalé les marques de fin de trame. Utilisez "
            "--device au lieu de cat, ou `stty raw -echo` avant."
        ),
        LineFault.ECHO: (
            "Lignes ou caractères arrivent deux fois, ou les marques en ^B et ^C : un terminal fait "
            "écho. Utilisez --device au lieu de cat, ou `stty raw -echo` avant."
        ),
        LineFault.TEXT: (
            "C'est du texte, mais pas celui d'un compteur. Sur un port, c'est le plus souvent la "
            "console du système : retirez-la du port avec `sudo volet edge setup --apply`."
        ),
    },
)
