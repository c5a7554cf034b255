"""In which manners dates and numbers are written. The words of the portal are English in all of them."""

from typing import Final

#: BCP 47. The first is what nobody chose.
LOCALES: Final = (
    "en-GB",
    "en-US",
    "de-DE",
    "de-CH",
    "es-ES",
    "fr-FR",
    "it-IT",
    "ja-JP",
    "nl-NL",
    "pl-PL",
    "pt-BR",
    "sv-SE",
)
