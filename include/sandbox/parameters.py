"""Every parameter and rate of the sandbox world, in one typed place.

Rates are probabilities unless the name says otherwise; effects on intent and on the odds of winning are in log-odds;
times are in the unit their name ends in; money is in the currency its name says. `DEFAULT` is what the company in the
box is like; a test builds another with `dataclasses.replace`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

SEGMENTS = ("salon_owner", "chain_manager", "freelance_master", "salon_client")
LANGUAGES = ("ru", "uk", "en", "mixed")
CHANNELS = (
    "search_brand",
    "search_generic",
    "social",
    "video",
    "display",
    "remarketing",
    "messenger",
    "email",
    "referral",
    "partner",
    "organic",
    "direct",
    "ai_assistant",
    "word_of_mouth",
)


@dataclass(frozen=True)
class Market:
    """How many people come, and when. Shocks are drawn for each calendar month."""

    people_a_day: float = 33.0
    history_days: int = 56  # lived before the shown window: the CRM has a past, the counter was installed at its start
    growth_a_year: float = 0.25
    month: tuple[float, ...] = (0.82, 1.0, 1.18, 1.05, 0.95, 0.85, 0.78, 0.86, 1.15, 1.14, 1.1, 0.9)
    weekday: tuple[float, ...] = (1.12, 1.14, 1.1, 1.06, 0.95, 0.8, 0.83)
    hour: tuple[float, ...] = (
        1,
        0.6,
        0.4,
        0.3,
        0.3,
        0.5,
        1,
        2,
        3,
        4,
        5,
        5.5,
        5,
        5,
        5.5,
        5.5,
        5,
        5,
        5.5,
        6.5,
        7,
        6.5,
        5,
        3,
    )
    # month, day -> factor
    holidays: Mapping[tuple[int, int], float] = field(
        default_factory=lambda: {
            (1, 1): 0.2,
            (1, 2): 0.4,
            (1, 7): 0.5,
            (3, 8): 0.45,
            (5, 1): 0.6,
            (5, 9): 0.7,
            (8, 24): 0.6,
            (12, 25): 0.4,
            (12, 31): 0.3,
        }
    )
    shock_a_month: float = 0.4
    shock_days: tuple[int, int] = (5, 11)
    # kind -> (arrivals x, channel drawn more, its factor, doubt raised, its factor)
    shocks: Mapping[str, tuple[float, str, float, str, float]] = field(
        default_factory=lambda: {
            "competitor_sale": (0.85, "search_generic", 0.7, "competitor", 3.0),
            "viral_post": (1.5, "social", 3.0, "no_decision", 1.5),
            "bad_press": (0.9, "search_brand", 1.3, "trust", 3.0),
        }
    )
    doubt_wave_days: tuple[float, float] = (34.0, 75.0)  # prevalence of each doubt drifts with periods in this range
    doubt_wave_height: float = 0.75  # log amplitude


@dataclass(frozen=True)
class People:
    """Who the people are and what they carry."""

    segment: tuple[float, ...] = (0.38, 0.08, 0.39, 0.15)
    language: tuple[float, ...] = (0.4, 0.33, 0.16, 0.11)
    intent_mean: tuple[float, ...] = (0.15, 0.1, 0.0, -1.6)  # per segment, sd 1
    salons: int = 260  # at scale 1: a salon's people share its desk phone and its role e-mail
    devices: tuple[float, ...] = (0.52, 0.36, 0.12)  # one, two, three
    device_kind: tuple[float, ...] = (0.62, 0.33, 0.05)  # mobile, desktop, tablet
    consent_none: float = 0.11
    consent_basic: float = 0.15  # the counter yes, GA4 no
    consent_loss: float = 0.0  # of all people: refuse on every device, on top of those; what they do is the same
    blocker: Mapping[str, float] = field(default_factory=lambda: {"mobile": 0.03, "desktop": 0.15, "tablet": 0.03})
    cookie_week: Mapping[str, float] = field(
        default_factory=lambda: {"mobile": 0.38, "desktop": 0.2, "tablet": 0.5}
    )  # browsers that end a cookie after 7 days
    cookie_cleared_a_visit: float = 0.03
    role_email: float = 0.22  # of people with a salon: info@ instead of their own
    desk_phone: float = 0.3
    subscribes: float = 0.22
    doubt_scale: float = 0.85
    doubt_strength: tuple[float, float] = (0.5, 2.0)


@dataclass(frozen=True)
class Doubt:
    """One category of doubt: odds that a person has it, by segment, and how readily it is said."""

    odds: float
    owner: float = 1.0
    chain: float = 1.0
    master: float = 1.0
    client: float = 1.0
    voiced: float = 0.6

    def for_segment(self, segment: str) -> float:
        """The odds for one segment."""
        factors = (self.owner, self.chain, self.master, self.client)
        return self.odds * factors[SEGMENTS.index(segment)]


DOUBTS: dict[str, Doubt] = {
    "price": Doubt(0.28, 1.0, 0.6, 1.4, 1.3, 0.7),
    "value_roi": Doubt(0.21, 1.2, 1.2, 0.8, 0.8, 0.55),
    "terms": Doubt(0.12, 1.0, 1.4, 1.1, 0.4, 0.65),
    "no_need": Doubt(0.08, 0.8, 0.8, 1.0, 3.0, 0.6),
    "timing": Doubt(0.16, 1.1, 0.9, 1.0, 1.0, 0.7),
    "authority": Doubt(0.13, 0.5, 3.0, 0.5, 0.8, 0.6),
    "no_decision": Doubt(0.11, 1.0, 0.8, 1.1, 1.5, 0.45),
    "competitor": Doubt(0.13, 1.1, 1.4, 0.8, 0.6, 0.6),
    "switching": Doubt(0.09, 1.3, 1.5, 0.5, 0.2, 0.55),
    "missing_feature": Doubt(0.1, 1.1, 1.3, 0.8, 0.6, 0.65),
    "integration": Doubt(0.09, 1.3, 1.9, 0.3, 0.1, 0.65),
    "implementation": Doubt(0.13, 1.2, 1.2, 0.9, 0.4, 0.55),
    "trust": Doubt(0.17, 0.9, 0.8, 1.2, 1.2, 0.4),
    "risk_security": Doubt(0.09, 0.9, 1.4, 0.9, 1.5, 0.5),
    "service": Doubt(0.07, 1.0, 1.0, 1.0, 1.0, 0.5),
    "availability": Doubt(0.11, 0.9, 0.8, 1.2, 1.3, 0.7),
}


@dataclass(frozen=True)
class Channel:
    """How a channel finds people and what it truly does to their intent.

    `first` and `later` are weights of the first and of further touches, tilted by exp(tilt x intent): targeting is not
    at random. `early` and `late` are the true effects on intent below and above zero, `lead` what the channel's visits
    do to the log-odds of a lead. Without the channel, `instead` takes its place with the odds `instead_share`, and does
    no more than the channel itself did.
    """

    first: float
    first_tilt: float
    later: float
    later_tilt: float
    early: float
    late: float
    instead: str = ""
    instead_share: float = 0.0
    click: float = 1.0  # odds that a touch is a visit
    lead: float = 0.0


TOUCH: dict[str, Channel] = {
    "search_brand": Channel(0.05, 0.9, 0.75, 0.8, 0.0, 0.02, "organic", 0.92),
    "search_generic": Channel(0.2, 0.25, 0.22, 0.1, 0.25, 0.12, "organic", 0.25),
    "social": Channel(0.17, -0.35, 0.3, -0.2, 0.35, 0.03, lead=-0.4),
    "video": Channel(0.07, -0.45, 0.16, -0.2, 0.5, 0.12, click=0.45, lead=-0.9),
    "display": Channel(0.07, -0.3, 0.14, -0.1, 0.0, 0.0, click=0.4, lead=-2.5),
    "remarketing": Channel(0.0, 0.0, 0.6, 0.7, 0.02, 0.02, "direct", 0.88, 0.6),
    "messenger": Channel(0.05, 0.1, 0.4, 0.2, 0.1, 0.22),
    "email": Channel(0.0, 0.0, 0.7, 0.3, 0.08, 0.18),
    "referral": Channel(0.05, 0.2, 0.08, 0.1, 0.3, 0.25),
    "partner": Channel(0.06, 0.3, 0.08, 0.2, 0.2, 0.35),
    "organic": Channel(0.14, 0.2, 0.45, 0.3, 0.15, 0.06),
    "direct": Channel(0.04, 0.6, 0.8, 0.7, 0.0, 0.0, "organic", 0.7),
    "ai_assistant": Channel(0.03, 0.3, 0.07, 0.2, 0.3, 0.2, "organic", 0.4),
    "word_of_mouth": Channel(0.09, 0.4, 0.1, 0.2, 0.6, 0.45, click=0.0),
}
SATURATION = 0.55  # each further touch of one channel does exp(-this) of the one before


@dataclass(frozen=True)
class Journey:
    """From the first touch to a lead, or away."""

    slots: int = 12  # touches at most
    gap_days: float = 3.2  # median between touches
    gap_spread: float = 1.0
    stay: float = 0.72  # log-odds of another touch at intent 0
    stay_intent: float = 0.75
    lead: float = -2.95  # log-odds of becoming a lead at a visit, at intent 0
    lead_intent: float = 0.8
    lead_offline: float = 0.24  # by phone or direct message instead of the form
    read: float = 0.035  # of an item at a visit; more by those who have the doubt
    read_with_doubt: float = 5.0
    reach_days: float = 45.0  # interest in an item fades with this time constant


@dataclass(frozen=True)
class Product:
    """Something that is sold. Price in the smallest unit of EUR."""

    code: str
    name: str
    cents: int
    weight: Mapping[str, float]
    is_training: bool


PRODUCTS: tuple[Product, ...] = (
    Product(
        "course_basics", "Course Basics", 39_000, {"freelance_master": 3, "salon_client": 1, "salon_owner": 1}, True
    ),
    Product("masterclass", "Masterclass", 19_000, {"freelance_master": 3, "salon_client": 2, "salon_owner": 1}, True),
    Product(
        "academy", "Academy Programme", 145_000, {"salon_owner": 2, "chain_manager": 2, "freelance_master": 1}, True
    ),
    Product("starter_kit", "Starter Kit", 89_000, {"freelance_master": 2, "salon_owner": 1}, False),
    Product("peel_device", "Peel Device", 240_000, {"salon_owner": 2, "chain_manager": 2}, False),
    Product("laser", "Laser L2", 690_000, {"salon_owner": 1, "chain_manager": 3}, False),
)
# What a unit of the currencies deals are made in is worth in EUR; the world's truth converts at these.
EUR_PER_UNIT: dict[str, float] = {"EUR": 1.0, "USD": 0.855, "UAH": 0.0202, "RUB": 0.0106}


@dataclass(frozen=True)
class Selling:
    """From a lead to money."""

    deal: float = -0.9  # log-odds that a contact becomes a deal, at intent 0
    deal_intent: float = 0.35
    go_on: float = 2.35  # log-odds of passing one stage without doubts, at intent 0
    intent: float = 0.3
    doubt_weight: float = 0.72
    step_days: float = 3.0
    step_spread: float = 0.75
    ghost: float = 0.3  # of losses: silence, closed weeks later
    handled: float = 0.18  # what a good rep takes off a doubt that was voiced
    sent_by_sales: float = 0.3  # content on a voiced doubt
    call: float = 0.36  # of talks
    transcript: float = 0.65  # of calls
    talk: float = 0.72  # a stage leaves a note or a call
    small_talk: float = 0.35  # a contact without a deal leaves a note
    noted_badly: float = 0.14
    noted_wrongly: float = 0.11
    noted_nothing: float = 0.17
    blames_price: float = 0.7  # of wrong notes and wrong lost reasons
    lost_reason_list: float = 0.52
    lost_reason_text: float = 0.33  # the rest stays empty
    lost_reason_wrong: float = 0.35  # of those from the list
    repeat: float = 0.34
    repeat_days: float = 40.0
    refund: float = 0.05
    reopened: float = 0.05


# Owner id -> names, languages, skill (log-odds of a stage), median hours to answer, day of the window on which the
# owner leaves (or None).
OWNERS: dict[str, tuple[str, str, tuple[str, ...], float, float, int | None]] = {
    "70110001": ("Olena", "Marchenko", ("uk", "ru", "mixed"), 0.35, 1.5, None),
    "70110002": ("Iryna", "Savchuk", ("uk", "mixed"), 0.1, 4.0, None),
    "70110003": ("Marina", "Belova", ("ru", "mixed"), 0.2, 2.0, None),
    "70110004": ("Sergey", "Orlov", ("ru",), -0.3, 9.0, 33),
    "70110005": ("Alina", "Kravets", ("uk", "ru"), 0.0, 3.0, None),
    "70110006": ("Emma", "Hughes", ("en",), 0.15, 5.0, None),
    "70110007": ("Daria", "Lysenko", ("ru", "uk", "mixed"), -0.15, 12.0, 61),
    "70110008": ("Tom", "Walsh", ("en",), -0.1, 7.0, None),
}


@dataclass(frozen=True)
class Content:
    """What texts on the site truly do to doubts (the share of its strength taken off; below zero: added)."""

    nil: float = 0.35
    worse: float = 0.12
    effect: tuple[float, float] = (0.3, 0.85)
    harm: tuple[float, float] = (0.1, 0.3)
    own_items_a_month: float = 1.2  # published by the company without being asked


@dataclass(frozen=True)
class Team:
    """How the content team works cards."""

    at_once: int = 4
    pick_up_days: tuple[float, float] = (0.3, 1.5)
    write_days: tuple[float, float] = (1.0, 3.5)
    review_days: tuple[float, float] = (0.4, 1.6)
    refuses: float = 0.12
    edits_title: float = 0.35
    comments: float = 0.4
    unassigned: float = 0.25  # worked on without anybody's name on the card


@dataclass(frozen=True)
class AnalyticsFaults:
    """What the counter gets wrong."""

    visit_resent: float = 0.008
    hit_resent: float = 0.008
    hit_doubled: float = 0.012  # tag and server both send
    goal_refired: float = 0.03
    goal_lost: float = 0.04
    reload: float = 0.02  # a true second view of the page, a few seconds later
    clock_skewed: float = 0.008
    skew_minutes: tuple[float, float] = (3.0, 90.0)
    bot_bursts_a_week: float = 0.6
    bot_hits: tuple[int, int] = (25, 70)
    gclid_kept: float = 0.96


@dataclass(frozen=True)
class TagFaults:
    """What goes wrong between the link as agreed and the address that arrives; per tagged visit."""

    missing: float = 0.035
    misspelt: float = 0.025
    case: float = 0.03
    swapped: float = 0.012
    contradicts_click: float = 0.01  # tags copied from another platform's campaign
    contradicts_referrer: float = 0.012  # a mail's link shared in a messenger
    stripped: float = 0.015  # a redirect loses tags and click id
    old_link: float = 0.04  # of referral visits: tags of a campaign that no longer runs (tags without spend)
    twin: float = 0.006  # of links that have one: the tags of the campaign's near-twin
    relative: float = 0.006  # of paid links: a copy of the campaign for another quarter, year or country, unregistered
    outage_a_month: float = 0.35  # of a platform: a campaign whose ads lose their tags for some days
    outage_days: tuple[int, int] = (5, 12)


@dataclass(frozen=True)
class Ads:
    """How the platforms bill and what they claim."""

    settle: tuple[float, ...] = (0.78, 0.93, 0.985)  # share of a day's clicks known after 0, 1, 2 days
    idle_clicks_a_day: float = 0.5  # per ad at scale 1: clicks that never become a visit
    credit: float = 0.08  # of ad days: invalid clicks are credited later
    credit_days: tuple[int, int] = (5, 12)
    credit_share: float = 0.12
    claim_days: Mapping[str, int] = field(default_factory=lambda: {"google-ads": 30, "yandex-direct": 21})
    claim_lag_days: float = 1.5
    view_through_days: int = 3
    lead_value: Mapping[str, float] = field(default_factory=lambda: {"google-ads": 45.0, "yandex-direct": 4000.0})
    rename_day: int = 45


@dataclass(frozen=True)
class CrmFaults:
    """What people do to a CRM."""

    duplicate: float = 0.08
    triplicate: float = 0.25  # of the duplicates
    merged: float = 0.6
    test_record: float = 0.012
    deleted_deal: float = 0.012
    back_dated: float = 0.06
    stage_jump: float = 0.18
    quoted_mail: float = 0.07
    client_id_lost: float = 0.12
    no_email: float = 0.16
    no_phone: float = 0.22
    asks_source: float = 0.3
    chat_note: float = 0.12
    sent_noted: float = 0.8  # a text that sales sends is noted with its link


@dataclass(frozen=True)
class Surveys:
    """Who answers and how well they remember."""

    nps: float = 0.34
    lost_deal: float = 0.24
    exit: float = 0.016
    comment: float = 0.72
    source: float = 0.7
    wrong_source: float = 0.35
    email: float = 0.4
    resubmitted: float = 0.02


@dataclass(frozen=True)
class Bookings:
    """What becomes of requests at the partners' salons, and how their books are kept."""

    salons: int = 40
    online: int = 12  # of them, the first ones: these keep their book in the booking system, the others on paper
    requests_a_day: float = 1.1  # per salon at scale 1
    returns: float = 0.45  # of requests: by somebody who was there before
    asked_online: float = 0.45
    ahead_days: float = 3.5
    occupancy: tuple[float, float] = (0.5, 0.96)
    lost_an_hour: float = 0.012  # odds that a request which waits is never answered
    cancelled_by_client: float = 0.11
    cancelled_by_partner: float = 0.025
    no_show: float = 0.12
    paid: float = 0.97
    forgotten: float = 0.45  # of bookings of those who keep half a book
    new_word: float = 0.015  # of own words: one that no agreement knows
    walk_in: float = 0.04  # written without the client


@dataclass(frozen=True)
class Parameters:
    """All of it."""

    market: Market = field(default_factory=Market)
    people: People = field(default_factory=People)
    journey: Journey = field(default_factory=Journey)
    selling: Selling = field(default_factory=Selling)
    content: Content = field(default_factory=Content)
    team: Team = field(default_factory=Team)
    analytics: AnalyticsFaults = field(default_factory=AnalyticsFaults)
    tags: TagFaults = field(default_factory=TagFaults)
    ads: Ads = field(default_factory=Ads)
    crm: CrmFaults = field(default_factory=CrmFaults)
    surveys: Surveys = field(default_factory=Surveys)
    bookings: Bookings = field(default_factory=Bookings)
    # Seeds up to this one speak without the phrases that are held back for judging.
    default_seeds: int = 100


DEFAULT = Parameters()
