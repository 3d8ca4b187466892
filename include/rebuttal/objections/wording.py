"""How a text is prepared for the classifier, and the cheap signs of stance that n-grams alone do not carry."""

from __future__ import annotations

import re
import unicodedata

import numpy as np
import numpy.typing as npt

from rebuttal.objections.redaction import redact

LONGEST = 1000  # characters that the classifier looks at in one piece

_UNSEEN = re.compile(r"[\u0000-\u0008\u000b-\u001f\u007f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")
_EMOJI = re.compile("[\U0001f000-\U0001faff\u2600-\u27bf\ufe0f\u200d]")
# Whether personal data may be in a text: only then it is looked for.
_PERSONAL = re.compile(r"@|://|www\.|\.(?:me|com)/|(?:\d[ ().\-]{0,2}){7}")
_PLACEHOLDER = re.compile(r"\[(?:email|phone|card|iban|link|handle|name|id|ip|secret)\]")
_REPEATED = re.compile(r"(.)\1{3,}", re.DOTALL)
_DIGITS = re.compile(r"\d+(?:[ .,]\d+)*")
_BLANKS = re.compile(r"\s+")

# Prepared texts are in lower case: a search that minds no case takes four times as long.
_CONTRAST = re.compile(
    r"(?:^|[\s,;:.!?—–-])(?:но|однако|зато|только вот|вот только|але|проте|однак|зате|тільки от|от тільки|"
    r"but|however|though|although|except|yet|still,)(?=[\s,])"
)


# Words meant for a machine that reads: they are no part of what the buyer says, up to the end of their clause.
_INSTRUCTION = re.compile(
    r"(?:\b(?:ignore|disregard|forget)\b.{0,40}?\b(?:instruction|rule|prompt|above|previous)|"
    r"\b(?:игнорируй|забудь|ігноруй)\w*.{0,40}?\b(?:инструкц|правил|указан|інструкц|вказів)|"
    r"\b(?:system|assistant)\s?(?:prompt)?\s?:|\byou are now\b|\bты теперь\b|\bти тепер\b|"
    r"\b(?:label|classify|mark|answer|output|respond|return|reply)\b.{0,25}?\b(?:none|null|json|categor\w+|labels?)\b|"
    r"\b(?:пометь|отметь|классифицируй|ответь|познач|класифікуй|відповідай)\w*.{0,25}?\b(?:none|null|json|категор\w+))"
    r"[^.!?;\n]{0,200}[.!?;\n]?"
)


def prepared(text: str) -> str:
    """NFC, lower case, numbers as 0, long repetitions cut, blanks single, at most LONGEST characters.

    Left out is what must not change a label: personal data, emoji, what is invisible or addressed to a machine.
    """
    text = unicodedata.normalize("NFC", _UNSEEN.sub("", text[: 2 * LONGEST]))
    if _PERSONAL.search(text):
        text = _PLACEHOLDER.sub(" ", redact(text))
    text = text.lower()
    text = _EMOJI.sub(" ", _INSTRUCTION.sub(" ", text))
    text = _REPEATED.sub(r"\1\1\1", _DIGITS.sub("0", text))
    return _BLANKS.sub(" ", text).strip()[:LONGEST].replace("ʼ", "'").replace("’", "'")


def after_contrast(text: str) -> str | None:
    """What follows the last "but" of a prepared text: there stands the stance. None without one, or little after."""
    last = next(reversed(list(_CONTRAST.finditer(text))), None)
    if last is None or last.start() < 3:
        return None
    tail = text[last.end() :].strip(" ,")
    return tail if len(tail) >= 4 else None


_SIGNS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (name, re.compile(pattern))
    for name, pattern in (
        ("ends_with_question", r"\?[\s)]*$"),
        ("asks_first", r"^[^.!?]{0,200}\?"),
        ("heated", r"\?\?|!\?|\?!|!!|\.\.\."),
        (
            "question_word",
            r"\b(?:сколько|какой|какая|какие|когда|где|куда|можно ли|можно|есть ли|подскажите|скільки|який|"
            r"яка|які|коли|де|куди|чи можна|чи є|підкажіть|how much|how many|how long|what|when|where|which|"
            r"can i|could you|do you|is there|are there)\b",
        ),
        (
            "refusal",
            r"\b(?:тогда не|тогда нет|тоді ні|тоді не|then no|no thanks|pass|мимо|не буду|не буде|не будем|"
            r"не беру|не возьм|не візьм|отказ|відмов|нет уж|ні вже|won't|not going to|не поеду|"
            r"не поїду|не пойд|не підем)",
        ),
        (
            "negation",
            r"\b(?:не|нет|ни|нету|немає|нема|ні|без|not|no|never|nothing|n't|none|without|doesn't|don't|"
            r"can't|won't|isn't|didn't)\b",
        ),
        (
            "denied",
            r"\b(?:не дорого|недорого|не пугает|не лякає|не против|не проти|не проблема|не боюсь|не боюся|не сомнева|"
            r"не сумніва|не возраж|не запереч|не смущает|не бентежить|не страшно|нет вопросов|нет возражений|"
            r"нет претензий|"
            r"вопросов нет|возражений нет|претензий нет|питань нема|заперечень нема|заперечень по|без вопросов|"
            r"без питань|"
            r"без возражений|несложно|нескладно|недалеко|не далеко|согласн|згодн|not expensive|not too expensive|"
            r"no objection|no problem|not a problem|no questions|no doubts|no pushback|not afraid|not far|"
            r"no complaints|"
            r"is fine|are fine|doesn't scare|don't mind)",
        ),
        (
            "buys",
            r"\b(?:беру|берём|берем|беремо|оформляйте|оформляем|оформлюйте|оформлюємо|подписыва|підпису|заказыва|"
            r"замовля|оплатил|оплатив|оплачива|записываюсь|записуюсь|договорились|домовились|i'll take|take it|"
            r"let's do it|put it through|signing|booking|ordering|signed up|we're in|i'm in)",
        ),
        (
            "resolved",
            r"(?:оказал|зря|переживал|боял|думал|виявил|даремно|хвилював|думав|turned out|worried|feared|"
            r"was afraid|resolved|разобрал|розібрал|решил|вирішил|sorted|снят|знят)",
        ),
        ("thanks", r"(?:спасибо|дякую|дякуємо|thanks|thank you|благодар|вдячн|супер|отлично|чудово|great|love|клас)"),
        ("contrast", r"\b(?:но|однако|зато|але|проте|зате|but|however|though|although)\b"),
        ("number", r"0"),
        (
            "paid_or_signed",
            r"(?:оплачен|оплатил|подписан|підписан|сплачен|сплатил|оплатив|signed|paid|invoice sent|received)",
        ),
        ("test_or_copy", r"(?:\bтест|\btest\b|дубл|duplicate|спам|spam|\bqa\b)"),
        ("later_word", r"(?:потом|позже|потім|пізніше|later|после|після|after|until|до весн|до осен)"),
        (
            "someone_else",
            r"(?:муж|жена|чоловік|дружин|директор|начальн|собственник|власник|husband|wife|boss|owner|board|ceo)",
        ),
    )
)
SIGN_NAMES = (*(name for name, _ in _SIGNS), "short", "long")


def signs(texts: list[str]) -> npt.NDArray[np.float32]:
    """One row per prepared text, one column per name in SIGN_NAMES, 0 or 1."""
    rows = np.zeros((len(texts), len(SIGN_NAMES)), dtype=np.float32)
    for row, text in zip(rows, texts, strict=True):
        for column, (_, pattern) in enumerate(_SIGNS):
            row[column] = pattern.search(text) is not None
        words = text.count(" ") + text.count("\n") + 1
        row[-2], row[-1] = words <= 3, words >= 15
    return rows


_SIGN = dict(_SIGNS)


def is_denial(text: str) -> bool:
    """Whether a prepared text denies a worry ("not expensive", "no questions about the price") and neither turns with a
    "but" nor refuses."""
    return bool(_SIGN["denied"].search(text) and not (_SIGN["contrast"].search(text) or _SIGN["refusal"].search(text)))
