"""The partners' salons: forty businesses, each with its own words, habits and speed. Fixed by the seed."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.parameters import Bookings
from sandbox.world import names
from sandbox.world.population import salon
from sandbox.world.streams import between, number, stream

# Service id -> titles in uk, ru, en, minutes, price in cents of EUR.
SERVICES: tuple[tuple[int, tuple[str, str, str], int, int], ...] = (
    (11, ("Чистка обличчя", "Чистка лица", "Facial cleansing"), 90, 4_200),
    (12, ("Пілінг", "Пилинг", "Peel"), 60, 5_500),
    (13, ("Лазерна епіляція", "Лазерная эпиляция", "Laser hair removal"), 60, 3_800),
    (14, ("Масаж обличчя", "Массаж лица", "Facial massage"), 60, 3_000),
    (15, ("Консультація", "Консультация", "Consultation"), 30, 1_200),
)
# What salons write for each step of a booking, in their own words; no two vocabularies are the same.
_STEPS = (
    *("confirmed", "reminded", "arrived", "served", "paid"),
    *("cancelled_by_client", "cancelled_by_partner", "no_show", "lost_without_answer"),
)
_WORDS: dict[str, tuple[tuple[str, ...], ...]] = {
    "uk": (
        ("підтвердила", "нагадали", "прийшла", "зроблено", "розрахувалась", "скасувала", "перенесли ми", "не прийшла",
         "не відповіли"),
        ("ок", "смс", "в залі", "була", "каса", "відмова", "відмова салону", "неявка", "пропущено"),
        ("+", "+ дзв.", "тут", "готово", "оплата є", "передумала", "майстер захворів", "прогул", "загубили"),
    ),
    "ru": (
        ("подтвердила", "напомнили", "пришла", "сделано", "оплатила", "отменила", "отменили мы", "не пришла",
         "не ответили"),
        ("ок", "смс отпр.", "в салоне", "была", "касса", "отказ", "отказ салона", "неявка", "упустили"),
    ),
    "en": (
        ("booked in", "text sent", "checked in", "done", "settled", "client cancelled", "we cancelled", "DNA",
         "never answered"),
        ("ok", "reminded", "here", "finished", "paid up", "cxl", "cxl salon", "no show", "missed call"),
    ),
}  # fmt: skip
NEW_WORDS = {"uk": "перезаписана", "ru": "перезаписана", "en": "moved"}  # no agreement knows them
_CURRENCY = {"uk": ("UAH", "Europe/Kyiv"), "ru": ("EUR", "Europe/Riga"), "en": ("EUR", "Europe/Dublin")}
# How an online salon keeps its book: as the vendor means it, in its own words, or only half the time.
HABITS = ("exact", "words", "exact", "half", "words")


@dataclass(frozen=True)
class Partner:
    """One salon. `words`: what it writes for each step; `is_online`: it keeps its book in the booking system.

    `answer_hours` is the median until it answers a request; `reminds` and `confirms` are odds that it does so;
    `occupancy` is the share of its masters' hours that regulars have taken.
    """

    key: str
    company_id: int
    name: str
    language: str
    currency: str
    time_zone: str
    is_online: bool
    habit: str
    words: dict[str, str]
    answer_hours: float
    confirms: float
    reminds: float
    occupancy: float
    staff: tuple[tuple[int, str], ...]


def partners(seed: int, bookings: Bookings) -> tuple[Partner, ...]:
    """All partners, in the order of their keys; the online ones come first."""
    return tuple(_partner(seed, index, bookings) for index in range(bookings.salons))


def company_id(index: int) -> int:
    """The booking system's id of the salon with this number; the same in every world, so it can be configured."""
    return 45_601 + 37 * index


def key_of(index: int) -> str:
    """What the company calls the salon with this number."""
    return f"salon-{index + 1:02d}"


def language_of(index: int) -> str:
    """The language that the salon with this number works in."""
    return ("uk", "uk", "ru", "uk", "en")[index % 5]


def currency_of(index: int) -> str:
    """The currency of its prices."""
    return _CURRENCY[language_of(index)][0]


def _partner(seed: int, index: int, bookings: Bookings) -> Partner:
    language, name = language_of(index), (seed, "partner", index)
    u: list[float] = stream(*name).random(16).tolist()
    place = salon(seed, 9_000 + index, language)
    vocabulary = _WORDS[language][number(*name, "words") % len(_WORDS[language])]
    first = names.FIRST[language]
    staff = tuple(
        (company_id(index) * 10 + place_, first[number(*name, "staff", place_) % len(first)])
        for place_ in range(2 + int(u[0] * 3))
    )
    currency, zone = _CURRENCY[language]
    return Partner(
        key=key_of(index),
        company_id=company_id(index),
        name=place.name,
        language=language,
        currency=currency,
        time_zone=zone,
        is_online=index < bookings.online,
        habit=HABITS[(index + index // 5 + number(seed, "habits")) % len(HABITS)],
        words=dict(zip(_STEPS, vocabulary, strict=True)),
        answer_hours=0.3 + 12 * u[2] ** 3,
        confirms=0.5 + 0.5 * u[3],
        reminds=0.0 if u[4] < 0.35 else 0.6 + 0.4 * u[5],
        occupancy=between(u[6], bookings.occupancy),
        staff=staff,
    )
