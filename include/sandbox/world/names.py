"""Invented names of people, salons and towns, by language. Sentences are `sandbox.words`."""

from __future__ import annotations

from functools import lru_cache

FIRST: dict[str, tuple[str, ...]] = {
    "ru": ("Анна", "Мария", "Елена", "Ольга", "Наталья", "Ирина", "Светлана", "Юлия", "Виктория", "Полина", "Игорь",
           "Дмитрий", "Ксения", "Алёна", "Вера", "Тимур"),
    "uk": ("Олена", "Оксана", "Ірина", "Наталія", "Тетяна", "Юлія", "Катерина", "Софія", "Людмила", "Галина", "Андрій",
           "Тарас", "Соломія", "Христина", "Леся", "Богдан"),
    "en": ("Emily", "Sarah", "Chloe", "Olivia", "Grace", "Hannah", "Jessica", "Laura", "Megan", "Sophie", "Daniel",
           "James", "Amelia", "Zoe", "Ruth", "Callum"),
}  # fmt: skip
LAST: dict[str, tuple[str, ...]] = {
    "ru": ("Соколова", "Лебедева", "Кузнецова", "Морозова", "Волкова", "Зайцева", "Павлова", "Орехова", "Белкина",
           "Тихонова", "Гущина", "Рябова", "Шилова", "Карпова"),
    "uk": ("Коваленко", "Бондаренко", "Шевчук", "Ткаченко", "Мельник", "Гончар", "Руденко", "Петренко", "Мороз",
           "Лисенко", "Данилюк", "Сірко", "Дорошенко", "Ярема"),
    "en": ("Carter", "Bennett", "Fletcher", "Hayes", "Morgan", "Pearce", "Reid", "Sutton", "Walker", "Young", "Doyle",
           "Nash", "Osborne", "Quinn"),
}  # fmt: skip
CITIES: dict[str, tuple[tuple[str, str], ...]] = {
    "ru": (
        ("Алматы", "Kazakhstan"), ("Рига", "Latvia"), ("Москва", "Russia"), ("Казань", "Russia"), ("Минск", "Belarus"),
    ),
    "uk": (
        ("Київ", "Ukraine"), ("Львів", "Ukraine"), ("Одеса", "Ukraine"), ("Дніпро", "Ukraine"), ("Вінниця", "Ukraine"),
    ),
    "en": (
        ("London", "United Kingdom"), ("Leeds", "United Kingdom"), ("Austin", "United States"), ("Dublin", "Ireland"),
    ),
}  # fmt: skip
SALON_FIRST = ("Luna", "Velvet", "Mint", "Olivia", "Nova", "Siena", "Amber", "Iris", "Coral", "Perla", "Fleur", "Alba",
               "Sova", "Kvitka", "Mira", "Lada", "Zora", "Vesta", "Bloom", "Sage")  # fmt: skip
SALON_LAST = ("Beauty", "Studio", "Spa", "Lab", "House", "Room", "Atelier", "Clinic", "Bar", "Space", "Lounge", "Loft",
              "Skin")  # fmt: skip
_LATIN = dict(
    zip(
        "абвгдеёжзийклмнопрстуфхцчшщъыьэюяіїєґ",
        ["a", "b", "v", "g", "d", "e", "e", "zh", "z", "i", "i", "k", "l", "m", "n", "o", "p", "r", "s", "t", "u", "f",
         "kh", "ts", "ch", "sh", "shch", "", "y", "", "e", "yu", "ya", "i", "i", "ie", "g"],
        strict=True,
    )
)  # fmt: skip


def latin(text: str) -> str:
    """The text in Latin letters, as people write their names in an address."""
    return "".join(_LATIN.get(letter, letter) for letter in text.lower())


@lru_cache(maxsize=4096)  # few names, asked for at every person
def slug(text: str, longest: int = 60) -> str:
    """The text as part of an address: lower-case Latin words joined by hyphens; may be empty."""
    words = "".join(letter if letter.isascii() and letter.isalnum() else " " for letter in latin(text)).split()
    joined = "-".join(words)
    return joined if len(joined) <= longest else joined[: longest + 1].rsplit("-", 1)[0]
