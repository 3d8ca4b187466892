"""Personal data out of quotes, before they are stored where people read. Pure; time linear in the text's length.

What is found is replaced by a word in brackets that says what stood there. Better one number too many hidden than one
telephone shown: amounts ("120 000 грн"), dates and years stay, longer digit runs go.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from rebuttal.objections.given_names import given_names

_UPPER = "A-ZА-ЯЁІЇЄҐ"
_LOWER = "a-zа-яёіїєґ"
_NAME = rf"(?!(?:Mr|Mrs|Ms|Miss|Dr)\b)[{_UPPER}][{_LOWER}'’ʼ-]{{1,24}}"
_NAMES = rf"{_NAME}(?:[ \t]{_NAME}){{0,2}}"

_URL = re.compile(r"\b(?:https?|ftp)://[^\s<>\"'«»]{1,2000}|\bwww\.[^\s<>\"'«»]{1,2000}", re.IGNORECASE)
_BARE_LINK = re.compile(r"\b(?:t\.me|wa\.me|vk\.com|instagram\.com|facebook\.com|fb\.com)/[^\s<>\"'«»]{1,200}", re.I)
_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}(?:@| @ )[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}")
_SPOKEN_EMAIL = re.compile(
    r"(?<![\w.+-])[\w.+-]{1,64}\s?[\[(](?:at|собака|@)[\])]\s?[\w-]{1,63}(?:\s?(?:\.|[\[(]dot[\])])\s?[\w-]{1,63}){1,4}",
    re.IGNORECASE,
)
_HANDLE = re.compile(r"(?<![\w@.])@[A-Za-z][\w.]{2,31}")
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?:[ ]?[A-Z0-9]{4}){2,7}(?:[ ]?[A-Z0-9]{1,3})?\b")
_CARD = re.compile(r"(?<![\d])(?:\d[ \u00a0-]?){12,18}\d(?!\d)")
_PHONE = re.compile(r"(?<![\w.,])(?:\+|\(\+?|00)?\d[\d \u00a0().\-–]{6,22}\d(?![\w])")
_TAX_ID = re.compile(
    r"\b(?:ИНН|ІПН|РНОКПП|ЄДРПОУ|ЕДРПОУ|СНИЛС|паспорт\w*|passport|SSN|VAT)\b\s{0,3}(?:no\.?|№|#|:)?\s{0,3}"
    rf"[{_UPPER}]{{0,3}}\s?\d[\d\- ]{{5,16}}",
    re.IGNORECASE,
)
_IP = re.compile(r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.])")
_SECRET = re.compile(
    r"\b(?P<key>password|пароль|token|токен|api[_ -]?key|secret|ключ)(?P<sep>\s{0,3}[:=]\s{0,3})[^\s,;]{4,200}", re.I
)
# Any name is known by what stands before it; the words keep their case, the name must begin with a capital.
_INTRODUCED = re.compile(
    r"(?P<lead>\b(?i:меня зовут|мене звати|мене звуть|зовут|звати|my name is|i am called|this is|it's|i'm|"
    r"уважаем(?:ый|ая)|шановн(?:ий|а|ий пане|а пані)|пані|пане|пан|господин|госпожа|"
    r"dear|hello|hi|hey|mr|mrs|ms|dr|"
    r"здравствуйте|привет|добрый день|доброе утро|добрый вечер|добрий день|доброго дня|вітаю|привіт|"
    r"с уважением|з повагою|regards|best|thanks|cheers|спасибо|дякую|"
    r"клиентка|клиент|клієнтка|клієнт|покупательница|мастер|майстер|менеджер|администратор|адміністратор|"
    r"директор|директорка|customer|client|buyer|spoke (?:to|with)|talked to)\b[.,!:]?[ \t]{1,3})"
    rf"(?P<name>{_NAMES})"
)
_FULL_NAME = re.compile(  # surname, name and patronymic, in either order
    rf"\b(?:{_NAME}[ \t])?{_NAME}[ \t][{_UPPER}][{_LOWER}'’ʼ-]{{1,20}}(?:вич|вна|ович|евич|івна|ївна|чна)\b"
)
_INITIALS = re.compile(
    rf"\b{_NAME}[ \t][{_UPPER}]\.[ \t]?(?:[{_UPPER}]\.)?|\b[{_UPPER}]\.[ \t]?[{_UPPER}]\.[ \t]?{_NAME}"
)
_SURNAME_BEFORE = re.compile(
    rf"\b[{_UPPER}][{_LOWER}'’ʼ-]{{1,20}}(?:енко|[оеёє]ва?|ина?|іна?|ськ(?:ий|а|ої)|ск(?:ий|ая|ой)|чук|юк|ко)[ \t]$"
)
_SURNAME_AFTER = re.compile(rf"[ \t](?P<name>{_NAME})(?![\w])")
_NOT_A_NAME = frozenset(
    re.findall(
        r"\w+",
        "the this that there here we you they it our your my no not yes so but and if what when how why is are was ok "
        "okay just can could would will i monday tuesday wednesday thursday friday saturday sunday crm google facebook "
        "instagram hubspot iphone android excel looking going sorry afraid too very a an all only still really "
        "мы вы они я ты он она это нет да не но и а что как когда почему если у в на за по с к от до "
        "спасибо здравствуйте добрый день ми ви вони ти він вона це ні так але що як коли чому якщо дякую "
        "цена дорого ціна",
    )
)
_DATE = re.compile(r"\d{1,4}[./\-–]\d{1,2}[./\-–]\d{2,4}$|(?:19|20)\d{2}\s?[-–]\s?(?:19|20)\d{2}$")
_THOUSANDS = r"\d{1,3}(?:[ \u00a0.,]\d{3}){1,2}(?:[.,]\d{1,2})?"
_AMOUNT = re.compile(rf"{_THOUSANDS}(?:\s?[-–]\s?{_THOUSANDS})?$|\d{{1,5}}\s?[-–]\s?\d{{1,5}}$")


def redact(text: str) -> str:
    """`text` with personal data replaced by `[email]`, `[phone]`, `[card]`, `[iban]`, `[link]`, `[handle]`, `[name]`,
    `[id]`, `[ip]` or `[secret]`. Redacting twice changes nothing more."""
    text = _SECRET.sub(lambda match: f"{match['key']}{match['sep']}[secret]", text)
    for pattern, word in (
        (_URL, "[link]"),
        (_BARE_LINK, "[link]"),
        (_EMAIL, "[email]"),
        (_SPOKEN_EMAIL, "[email]"),
        (_HANDLE, "[handle]"),
        (_TAX_ID, "[id]"),
        (_IBAN, "[iban]"),
        (_IP, "[ip]"),
    ):
        text = pattern.sub(word, text)
    text = _CARD.sub(_card, text)
    text = _PHONE.sub(_phone, text)
    text = _FULL_NAME.sub("[name]", text)
    text = _INITIALS.sub(_unless_known, text)
    text = _INTRODUCED.sub(_introduced, text)
    return _without_given_names(text)


def _without_given_names(text: str) -> str:
    """Given names that nothing introduced, each with the surname beside it."""
    done, parts = 0, []
    for start, end in given_names(text):
        if start < done:
            continue
        before = _SURNAME_BEFORE.search(text, done, start)
        after = _SURNAME_AFTER.match(text, end)
        is_name = after is not None and after["name"].lower() not in _NOT_A_NAME
        parts += [text[done : before.start() if before else start], "[name]"]
        done = after.end() if after and is_name else end
    return "".join(parts) + text[done:]


def _card(match: re.Match[str]) -> str:
    digits = _digits(match[0])
    return "[card]" if 13 <= len(digits) <= 19 and _luhn(digits) else match[0]


def _phone(match: re.Match[str]) -> str:
    text = match[0]
    digits = _digits(text)
    bare = text.strip()
    if len(digits) < 7 or _DATE.match(bare) or (_AMOUNT.match(bare) and not bare.startswith(("+", "0", "("))):
        return text
    return "[phone]" if len(digits) <= 15 else "[id]"


def _introduced(match: re.Match[str]) -> str:
    first = match["name"].split()[0].lower().strip("'’ʼ-")
    return match[0] if first in _NOT_A_NAME else f"{match['lead']}[name]"


def _unless_known(match: re.Match[str]) -> str:
    return match[0] if match[0].split()[0].lower() in _NOT_A_NAME else "[name]"


def _digits(text: str) -> str:
    return "".join(character for character in text if character.isascii() and character.isdigit())


def _luhn(digits: str) -> bool:
    total = 0
    for position, character in enumerate(reversed(digits)):
        value = int(character) * (2 if position % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


Redactor = Callable[[str], str]
