"""Which of the three languages a short text is in: by letters first, by small words where letters do not tell."""

from __future__ import annotations

import re

MIXED, UNKNOWN = "mixed", "unknown"

_WORD = re.compile(r"[^\W\d_]+(?:['’ʼ][^\W\d_]+)?")
_CYRILLIC = re.compile(r"[Ѐ-ӿ]")
_ONLY_UK = re.compile(r"[іїєґІЇЄҐ]|\w['’ʼ][яюєї]")
_ONLY_RU = re.compile(r"[ыэъёЫЭЪЁ]")
# Words of one language that the other does not spell so, and that have none of its letters.
_UK_WORDS = frozenset(
    _WORD.findall(
        "з що ми треба вже нема мене це але тиждень ви та як усе дякую проти зараз лише хочу запис ще якщо буде "
        "шкода бо року й каже спершу вона коли тому воно тож чи чого добре тепер може чекати чекаю чекала годину "
        "забагато вашого дешевше важко хвилин таке який часу говорити саме хочуть поки спочатку тисяч свого "
        "питання дати нього було його кожен чому вдома наступний довго занадто задорого одразу бачу немає подумаю "
        "подумати коштує знижка знижку грошей відмова передумала побачимо навесні восени працює він вони нам щось "
        "хтось гаразд тобто авжеж потім"
    )
)
_RU_WORDS = frozenset(
    _WORD.findall(
        "с и нет что к только но надо меня их после тогда больше ничего нужен нужно нужна есть же сейчас из "
        "слишком неделю спасибо если месяц пока можно как против она сколько цена деньги вот сначала хочет вообще "
        "дальше кто чем нельзя говорит раньше стоит теперь он никак ждать недели когда минут такое где хотят "
        "зачем пожалуйста или такие него работает столько почему хорошо дома его может другого устраивает много "
        "времени отлично какой сразу решает вопрос сказал решение понятно опять подходит дней хожу вместо мои жду "
        "конечно долго извините скидку качество лучше даже неудобно ясно успеваю хотели потому подумаем посмотрим "
        "переносить осенью летом будут себя купил купили ищем очень ещё либо кстати тоже чтобы пусть просто хотя "
        "денег знаю понял поняла решили что-то"
    )
)
_SHARED = _UK_WORDS & _RU_WORDS


def language_of(text: str) -> str:
    """`en`, `ru`, `uk`, `mixed` (two languages, each with a fair share of the words) or `unknown` (no letters).

    Looks at the first 2,000 characters. A text that could be Russian or Ukrainian counts as Russian.
    """
    words = _WORD.findall(text[:2000])
    if not words:
        return UNKNOWN
    cyrillic = [word.lower() for word in words if _CYRILLIC.search(word)]
    if not cyrillic:
        return "en"
    # Names of firms and products are Latin in every language: only lower-case Latin words are English speech.
    english = sum(word.islower() for word in words if not _CYRILLIC.search(word))
    if english >= 3 and english * 4 >= len(words):
        return MIXED
    uk = sum(2 * bool(_ONLY_UK.search(word)) + (word in _UK_WORDS and word not in _SHARED) for word in cyrillic)
    ru = sum(2 * bool(_ONLY_RU.search(word)) + (word in _RU_WORDS and word not in _SHARED) for word in cyrillic)
    if min(uk, ru) >= 3 and min(uk, ru) * 3 >= max(uk, ru):
        return MIXED
    return "uk" if uk > ru else "ru"
