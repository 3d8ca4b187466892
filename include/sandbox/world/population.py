"""The people: who they are, what holds them back, which devices they use and how they write themselves down."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache

from sandbox.parameters import DOUBTS, LANGUAGES, SEGMENTS, Parameters
from sandbox.world import names
from sandbox.world.market import Weather
from sandbox.world.streams import between, number, seconds, stream, unit

DEALS, STEPS, STEP_DRAWS, SLOT_DRAWS = 3, 7, 16, 32
OFFSETS = {"ru": 3, "uk": 2, "mixed": 2, "en": 0}  # hours to UTC in winter; people's daily rhythm needs no more


@dataclass(frozen=True)
class Device:
    """A browser of a person. `cookie_days` 0 keeps the client id; consent is none, basic (counter only) or all."""

    kind: str
    consent: str
    is_blocking: bool
    cookie_days: int


@dataclass(frozen=True)
class Salon:
    """A company that some people work for; they share its desk phone and its role e-mail."""

    key: str
    name: str
    domain: str
    phone: str
    email: str
    city: str
    country: str
    is_chain: bool


@dataclass(slots=True)
class Person:
    """One person with all that is fixed when they come.

    The draws of their life are made in blocks, so that a cause that is taken away shifts no other draw; they are made
    again when they are needed, for they weigh more than the person.
    """

    key: str
    id: int
    arrived_at: int
    segment: str
    language: str
    city: str
    country: str
    salon: Salon | None
    first_name: str
    last_name: str
    email: str
    phone: str
    other_email: str
    other_phone: str
    is_role_email: bool
    is_desk_phone: bool
    intent: float
    subscribes: bool
    doubts: dict[str, float]
    devices: tuple[Device, ...]
    seed: int

    def slot_draws(self, slots: int) -> list[list[float]]:
        """Draws in [0, 1) for each touch: slots x 32."""
        drawn: list[list[float]] = stream(self.seed, "touches", self.key).random((slots, SLOT_DRAWS)).tolist()
        return drawn

    def deal_draws(self) -> list[list[list[float]]]:
        """Draws in [0, 1) for selling: deals x steps x 16."""
        drawn: list[list[list[float]]] = (
            stream(self.seed, "deals", self.key).random((DEALS, STEPS, STEP_DRAWS)).tolist()
        )
        return drawn

    @property
    def written_language(self) -> str:
        """The language as the CRM has it (mixed is no language there)."""
        return "uk" if self.language == "mixed" else self.language


def pick(u: float, weights: tuple[float, ...]) -> int:
    """The index at share `u` of the weights."""
    point = u * sum(weights)
    for index, weight in enumerate(weights):
        point -= weight
        if point < 0:
            return index
    return len(weights) - 1


def _phone(language: str, *name: str | int) -> str:
    digits = number(*name, "phone")
    if language == "en":
        return f"+4474{digits % 10**8:08d}"
    if language == "ru":
        return f"+79{(10, 16, 26, 64)[digits % 4]}{digits // 7 % 10**7:07d}"
    return f"+380{(67, 50, 63, 97)[digits % 4]}{digits // 7 % 10**7:07d}"


@lru_cache(maxsize=16_384)
def salon(seed: int, index: int, language: str) -> Salon:
    """The salon of this index among those that speak this language."""
    name = (seed, "salon", language, index)
    draws: list[float] = stream(*name).random(5).tolist()
    title = f"{names.SALON_FIRST[int(draws[0] * 20)]} {names.SALON_LAST[int(draws[1] * 13)]}"
    cities = names.CITIES[language]
    city, country = cities[int(draws[2] * len(cities))]
    domain = f"{names.slug(title)}-{names.slug(city)}-{index}.example"
    return Salon(
        f"{language}-{index}", title, domain, _phone(language, *name), f"info@{domain}", city, country, draws[3] < 0.15
    )


def _devices(draws: list[float], parameters: Parameters, refuses: bool) -> tuple[Device, ...]:
    people = parameters.people
    devices = []
    consent = draws[1]  # a person chooses alike on all devices, mostly
    for index in range(pick(draws[0], people.devices) + 1):
        u = draws[2 + index * 4 : 6 + index * 4]
        kind = ("mobile", "desktop", "tablet")[pick(u[0], people.device_kind)]
        choice = consent if u[3] < 0.8 else u[3] * 5 - 4
        consented = "none" if choice < people.consent_none else "all"
        if people.consent_none <= choice < people.consent_none + people.consent_basic:
            consented = "basic"
        is_short = u[2] < people.cookie_week[kind]
        devices.append(Device(kind, consented, u[1] < people.blocker[kind], 7 if is_short else 0))
    return tuple(replace(one, consent="none") for one in devices) if refuses else tuple(devices)


def _arrival(parameters: Parameters, day_start: int, language: str, u: float, v: float) -> int:
    hour = pick(u, parameters.market.hour)
    return day_start + ((hour - OFFSETS[language]) % 24) * 3600 + int(v * 3600)


def person(seed: int, day: date, index: int, parameters: Parameters, weather: Weather, scale: float) -> Person:
    """The person who is the `index`-th to come on `day`."""
    key = f"{day:%y%m%d}-{index:04d}"
    rng = stream(seed, "person", key)
    u: list[float] = rng.random(64).tolist()
    people = parameters.people
    segment = SEGMENTS[pick(u[0], people.segment)]
    language = LANGUAGES[pick(u[1], people.language)]
    written = "uk" if language == "mixed" else language
    workplace = None
    if segment in ("salon_owner", "chain_manager"):
        workplace = salon(seed, int(u[2] * max(12, people.salons * scale / 3)), written)
    city, country = names.CITIES[written][int(u[3] * len(names.CITIES[written]))]
    if workplace is not None:
        city, country = workplace.city, workplace.country
    factors = weather.doubt_factors(day)
    doubts = {
        code: between(u[24 + i] / max(odds, 1e-9), people.doubt_strength)
        for i, (code, doubt) in enumerate(DOUBTS.items())
        if u[24 + i] < (odds := min(0.9, doubt.for_segment(segment) * factors[code] * people.doubt_scale))
    }
    first = names.FIRST[written][int(u[4] * len(names.FIRST[written]))]
    last = names.LAST[written][int(u[5] * len(names.LAST[written]))]
    handle = f"{names.slug(first)}.{names.slug(last)}{number(seed, key, bits=24)}"
    role, desk = workplace is not None and u[6] < people.role_email, workplace is not None and u[7] < people.desk_phone
    return Person(
        key=key,
        id=number(seed, "person", key),
        arrived_at=_arrival(parameters, seconds(day), language, u[8], u[9]),
        segment=segment,
        language=language,
        city=city,
        country=country,
        salon=workplace,
        first_name=first,
        last_name=last,
        email=workplace.email
        if workplace and role
        else f"{handle}@{('post', 'mail', 'inbox')[int(u[10] * 3)]}.example",
        phone=workplace.phone if workplace and desk else _phone(written, seed, key),
        other_email=f"{names.slug(last)}{number(seed, key, 'b', bits=22)}@letter.example",
        other_phone=_phone(written, seed, key, "b"),
        is_role_email=role,
        is_desk_phone=desk,
        intent=float(rng.normal(people.intent_mean[SEGMENTS.index(segment)], 1.0)),
        subscribes=u[11] < people.subscribes,
        doubts=doubts,
        # A stream of its own: at another loss, the same people live the same lives, and fewer of them are seen.
        devices=_devices(u[44:60], parameters, unit(seed, key, "consent lost") < people.consent_loss),
        seed=seed,
    )


def people_of(seed: int, day: date, parameters: Parameters, weather: Weather, scale: float) -> list[Person]:
    """All who come on `day` (UTC, by their own evening: up to three hours into the next)."""
    count = weather.arrivals(day, scale)
    return [person(seed, day, index, parameters, weather, scale) for index in range(count)]
