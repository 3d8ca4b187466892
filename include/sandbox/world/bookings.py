"""Bookings at the partners' salons: what truly became of each request, and what stands in the salon's book.

Every request is one row of fate, drawn by partner and day; the world shows as much of it as has happened by now.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sandbox.parameters import EUR_PER_UNIT, Parameters
from sandbox.recorded import Booking, Branch
from sandbox.world import names
from sandbox.world.counterfactual import signed
from sandbox.world.life import Life
from sandbox.world.population import pick
from sandbox.world.salons import NEW_WORDS, SERVICES, Partner, partners
from sandbox.world.streams import DAY, instant, iso, number, stream, unit

HISTORY_DAYS = 28  # the book is older than the shown window by so much
OPEN, CLOSE = 10, 19  # hours of the salon
LOST = ("cancelled_by_client", "cancelled_by_partner", "no_show", "lost_without_answer")
Moves = list[tuple[int, str]]


@dataclass(frozen=True)
class Customer:
    """Who comes. `key` is a person of the world, or a customer of this salon only."""

    key: str
    name: str
    phone: str
    email: str


@dataclass
class Booked:
    """The books of the online salons, and the truth of all."""

    branches: list[Branch] = field(default_factory=list)
    bookings: list[Booking] = field(default_factory=list)
    truth: list[dict[str, Any]] = field(default_factory=list)
    partners: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class _Request:
    """One request as it truly was; `u` are the draws of its fate. `starts` is 0 where no master was free."""

    id: int
    customer: Customer
    created: int
    starts: int
    service: int  # index in SERVICES
    staff: int  # index in the partner's staff
    is_online: bool
    is_repeat: bool
    u: list[float]


def book(seed: int, lives: Iterable[Life], start: int, now: int, parameters: Parameters, scale: float) -> Booked:
    """Everything that salons' clients asked for between `start`, less HISTORY_DAYS, and `now` (Unix seconds)."""
    booked, rates = Booked(), parameters.bookings
    everyone = partners(seed, rates)
    guests: dict[int, list[Life]] = {}
    for life in lives:
        who = life.person
        if who.segment == "salon_client" and life.lead_at and number(seed, who.key, "books") % 2:
            guests.setdefault(number(seed, who.key, "at") % len(everyone), []).append(life)
    for index, partner in enumerate(everyone):
        booked.partners.append(_told(partner))
        if partner.is_online:
            booked.branches.append(
                Branch(partner.company_id, partner.name, partner.time_zone, partner.currency, partner.staff)
            )
        for request in _requests(seed, partner, guests.get(index, []), start, now, parameters, scale):
            if request.created < now:
                _keep(booked, partner, request, _fate(partner, request, parameters), now, parameters)
    booked.bookings.sort(key=lambda one: (one.company_id, one.id))
    return booked


def _told(partner: Partner) -> dict[str, Any]:
    shown = ("key", "company_id", "name", "language", "currency", "is_online", "habit", "words", "occupancy")
    return {name: getattr(partner, name) for name in shown}


def _requests(
    seed: int, partner: Partner, guests: list[Life], start: int, now: int, parameters: Parameters, scale: float
) -> Iterable[_Request]:
    """Requests day by day; a master's hour can be taken once, so a full day turns people away."""
    rates, market = parameters.bookings, parameters.market
    taken: set[tuple[int, int]] = set()
    known: list[Customer] = []
    first = (start - HISTORY_DAYS * DAY) // DAY * DAY
    for day in range(first, now, DAY):
        name = (seed, "requests", partner.key, day)
        rng = stream(*name)
        moment = instant(day)
        rate = rates.requests_a_day * scale * market.weekday[moment.weekday()]
        asked: list[tuple[int, Life | None]] = [
            (day + int(rng.random() * DAY), None) for _ in range(int(rng.poisson(rate)))
        ]
        asked += [
            (at, life) for life in guests if day <= (at := life.lead_at + number(life.person.id, "visit") % (9 * DAY))
            < day + DAY
        ]  # fmt: skip
        for place, (created, life) in enumerate(sorted(asked, key=lambda one: one[0])):
            u: list[float] = stream(*name, place).random(24).tolist()
            is_repeat = life is None and bool(known) and u[0] < rates.returns
            customer = known[int(u[1] * len(known))] if is_repeat else _customer(seed, partner, name, place, life)
            if not is_repeat:
                known.append(customer)
            starts, staff = _slot(seed, partner, created, u, taken, rates.ahead_days)
            service = pick(u[5], (3, 2, 3, 2, 1))
            yield _Request(number(*name, place, "id", bits=31), customer, created, starts, service, staff,
                           u[6] < rates.asked_online, is_repeat, u)  # fmt: skip


def _customer(seed: int, partner: Partner, name: tuple[str | int, ...], place: int, life: Life | None) -> Customer:
    if life is not None:
        who = life.person
        return Customer(who.key, f"{who.first_name} {who.last_name}", who.phone, "")
    key = f"{partner.key}-{number(*name, place, 'who', bits=40):x}"
    draw, language = number(seed, key), partner.language
    first = names.FIRST[language][draw % len(names.FIRST[language])]
    last = names.LAST[language][draw // 97 % len(names.LAST[language])]
    country = {"uk": "+38068", "ru": "+37129", "en": "+35385"}[language]
    digits = {"uk": 7, "ru": 6, "en": 7}[language]
    phone = f"{country}{draw // 7_919 % 10**digits:0{digits}d}"
    email = f"{names.slug(first)}.{draw % 10**9}@inbox.example" if draw % 4 == 0 else ""
    return Customer(key, f"{first} {last}", phone, email)


def _slot(
    seed: int, partner: Partner, created: int, u: list[float], taken: set[tuple[int, int]], ahead: float
) -> tuple[int, int]:
    """When and with whom: the wanted hour or the next that is free until the day after, (0, 0) where none is."""
    zone = ZoneInfo(partner.time_zone)
    wanted = datetime.fromtimestamp(created + int((0.1 - ahead * math.log(1 - u[2])) * DAY), zone)
    first = OPEN + int(u[3] * (CLOSE - OPEN))
    for day, opens in ((wanted, first), (wanted + timedelta(days=1), OPEN)):
        for hour in range(opens, CLOSE):
            starts = int(day.replace(hour=hour, minute=0, second=0, microsecond=0).timestamp())
            for turn in range(len(partner.staff)):
                staff = (int(u[4] * len(partner.staff)) + turn) % len(partner.staff)
                is_busy = unit(seed, partner.key, staff, starts, "regular") < partner.occupancy
                if starts > created and not is_busy and (staff, starts) not in taken:
                    taken.add((staff, starts))
                    return starts, staff
    return 0, 0


def _fate(partner: Partner, request: _Request, parameters: Parameters) -> Moves:
    """The true lifecycle: (instant, step) in order, in canonical words."""
    rates, u, starts = parameters.bookings, request.u, request.starts
    moves: Moves = [(request.created, "requested")]
    wait = int(partner.answer_hours * 3600 * math.exp(1.6 * (u[8] + u[9] - 1)))
    if not starts or (not request.is_online and u[10] < min(0.5, rates.lost_an_hour * wait / 3600)):
        return [*moves, (request.created + max(wait, 3600), "lost_without_answer")]
    answered = request.created + (60 if request.is_online else min(wait, max(60, starts - request.created - 600)))
    is_confirmed = request.is_online or u[11] < partner.confirms
    is_reminded = u[12] < partner.reminds and starts - 26 * 3600 > answered
    if is_confirmed:
        moves.append((answered, "confirmed"))
    calm = 0.6 if is_reminded else 1.0
    if u[13] < rates.cancelled_by_client * calm:
        return [*moves, (answered + int(u[14] * (starts - answered)), "cancelled_by_client")]
    if u[15] < rates.cancelled_by_partner:
        return [*moves, (answered + int(u[14] * (starts - answered)), "cancelled_by_partner")]
    if is_reminded:
        moves.append((starts - DAY, "reminded"))
    if u[16] < rates.no_show * calm * (1.0 if is_confirmed else 1.5):
        return [*moves, (starts + 1800, "no_show")]
    ends = starts + SERVICES[request.service][2] * 60
    moves += [(starts + int(600 * u[17]), "arrived"), (ends, "served")]
    if u[18] < rates.paid:
        moves.append((ends + 240, "paid"))
    return moves


def _keep(
    booked: Booked, partner: Partner, request: _Request, fate: Moves, now: int, parameters: Parameters
) -> None:  # fmt: skip
    moves = [move for move in fate if move[0] < now]
    cents = round(SERVICES[request.service][3] / EUR_PER_UNIT[partner.currency] / 100) * 100
    row = _recorded(partner, request, moves, cents, parameters) if partner.is_online else None
    if row is not None:
        booked.bookings.append(row)
    booked.truth.append(
        {
            "booking_id": str(request.id),
            "partner": partner.key,
            "company_id": partner.company_id,
            "customer": request.customer.key,
            "starts_at": iso(request.starts) if request.starts else None,
            "service": SERVICES[request.service][1][("uk", "ru", "en").index(partner.language)],
            "amount": signed(cents),
            "currency": partner.currency,
            "lifecycle": [{"at": iso(at), "step": step} for at, step in moves],
            "outcome": moves[-1][1],
            "is_repeat": request.is_repeat,
            "is_recorded": row is not None,
            "label": row.label if row else None,
            "attendance": row.attendance if row else None,
            "is_deleted": row.is_deleted if row else None,
        }
    )


def _recorded(
    partner: Partner, request: _Request, moves: Moves, cents: int, parameters: Parameters
) -> Booking | None:  # fmt: skip
    """The line in the salon's book; None where nobody wrote one. What was written last is what is seen."""
    outcome, u = moves[-1][1], request.u
    if not request.starts or (outcome == "lost_without_answer" and not request.is_online):
        return None
    written = moves
    is_forgotten = partner.habit == "half" and u[19] < parameters.bookings.forgotten
    if is_forgotten:
        # Nobody came back to the book after the appointment was made.
        written = [move for move in moves if move[1] in ("requested", "confirmed")]
    steps = [step for _, step in written]
    last = steps[-1]
    attendance, label, is_deleted = 0, "", False
    if partner.habit == "words":
        label = partner.words.get(last, "")
        if label and u[20] < parameters.bookings.new_word:
            label = NEW_WORDS[partner.language]
    else:
        attendance = 1 if {"arrived", "served"} & set(steps) else -1 if last == "no_show" else 0
        if not attendance and "confirmed" in steps and "reminded" in steps:
            attendance = 2
        is_deleted = last in ("cancelled_by_client", "cancelled_by_partner")
    service = SERVICES[request.service]
    title = service[1][("uk", "ru", "en").index(partner.language)]
    customer = None if u[21] < parameters.bookings.walk_in else request.customer
    return Booking(
        id=request.id,
        company_id=partner.company_id,
        staff=partner.staff[request.staff],
        service=(service[0], title, cents),
        client=(number(request.customer.key, bits=31), customer.name, customer.phone, customer.email)
        if customer
        else None,
        starts_at=instant(request.starts),
        minutes=service[2],
        created_at=instant(request.created),
        changed_at=instant(written[-1][0]),
        attendance=attendance,
        is_confirmed="confirmed" in steps,
        is_deleted=is_deleted,
        is_paid="paid" in steps and partner.habit != "words",
        is_online=request.is_online,
        label=label,
    )
