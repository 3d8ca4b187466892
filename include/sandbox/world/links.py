"""The company's campaigns and links: fixed over seeds, as a company's registry is. Also how the marketing people err
once and for all: campaigns that nobody registered, links without tags, an ad whose tag was typed wrongly.

`OFFICIAL` is what the company says it uses; `registry_text` is include/config/utm.yml.
"""

from __future__ import annotations

from dataclasses import dataclass, field

SITE = "https://brand.example"


@dataclass(frozen=True)
class Link:
    """A link that the company puts somewhere. An empty `platform` costs nothing and has no advertising account."""

    key: str
    channel: str
    platform: str
    utm_source: str
    utm_medium: str
    utm_campaign: str
    contents: tuple[str, ...] = ()
    landing: str = "/"
    languages: tuple[str, ...] = ("ru", "uk", "en", "mixed")
    weight: float = 1.0
    campaign_id: str = ""
    name: str = ""
    renamed: str = ""  # the campaign's later name
    is_registered: bool = True
    is_tagged: bool = True
    typed: tuple[tuple[str, str], ...] = ()  # tags as they were really typed into the link
    cpc: float = 0.0  # account currency
    ctr: float = 0.05
    idle: float = 1.0  # times the usual clicks that never become a visit


@dataclass(frozen=True)
class Ad:
    """One advertisement of a campaign."""

    link: Link = field(repr=False)
    ad_group_id: str
    ad_group_name: str
    ad_id: str
    content: str

    @property
    def tags(self) -> dict[str, str]:
        """The tags as typed into the ad's address; empty when it has none."""
        return tags_of(self.link, self.content) if self.link.is_tagged else {}

    @property
    def final_url(self) -> str:
        """The address the platform knows, with its tags."""
        query = "&".join(f"{key}={value}" for key, value in self.tags.items())
        return SITE + self.link.landing + ("?" + query if query else "")


def tags_of(link: Link, content: str, as_typed: bool = True) -> dict[str, str]:
    """The tags of a link: as they were typed, or as they should be."""
    tags = {"utm_source": link.utm_source, "utm_medium": link.utm_medium, "utm_campaign": link.utm_campaign}
    if content:
        tags["utm_content"] = content
    return {**tags, **dict(link.typed)} if as_typed else tags


_G, _Y = "google-ads", "yandex-direct"
_EN, _UK, _RU = ("en",), ("uk", "mixed"), ("ru", "mixed")
LINKS: tuple[Link, ...] = (
    # Google Ads. brand_us_q1 and brand_us_q2 are two campaigns; so are generic_training_ua and generic_training_uk.
    Link("g1", "search_brand", _G, "google", "cpc", "brand_us_q1", ("rsa1", "rsa2"), "/", _EN, 1.0, "20110001",
         "Brand | US | Q1", cpc=3.6, ctr=0.21),
    Link("g2", "search_brand", _G, "google", "cpc", "brand_us_q2", ("rsa1", "rsa2"), "/training", _EN, 0.8, "20110002",
         "Brand | US | Q2", cpc=3.2, ctr=0.19),
    Link("g3", "search_brand", _G, "google", "cpc", "brand_ua", ("rsa1", "rsa2"), "/", _UK, 1.0, "20110003",
         "Brand | UA", cpc=0.88, ctr=0.24),
    Link("g4", "search_generic", _G, "google", "cpc", "generic_training_ua", ("courses", "masters"), "/training", _UK,
         1.0, "20110004", "Generic | Training | UA", renamed="Search | Training | UA | tCPA", cpc=1.92, ctr=0.06),
    Link("g5", "search_generic", _G, "google", "cpc", "generic_training_uk", ("courses",), "/training", _EN, 1.0,
         "20110005", "Generic | Training | UK", cpc=7.6, ctr=0.05),
    Link("g6", "search_generic", _G, "google", "cpc", "generic_equipment_ua", ("laser", "peel"), "/equipment", _UK, 0.8,
         "20110006", "Generic | Equipment | UA", cpc=2.64, ctr=0.05),
    Link("g7", "search_generic", _G, "google", "cpc", "sprint_masterclass", ("a",), "/training/masterclass",
         ("uk", "en", "mixed"), 0.35, "20110007", "Sprint | Masterclass", is_registered=False, cpc=2.8, ctr=0.05),
    Link("g8", "video", _G, "youtube", "video", "video_masterclass", ("15s", "30s"), "/training/masterclass",
         ("ru", "uk", "en", "mixed"), 1.0, "20110008", "YouTube | Masterclass", cpc=1.4, ctr=0.008),
    Link("g9", "display", _G, "google", "display", "display_lookalike", ("300x250", "728x90"), "/equipment",
         ("uk", "en", "mixed"), 1.0, "20110009", "Display | Lookalike", cpc=1.2, ctr=0.005),
    Link("g10", "remarketing", _G, "google", "display", "rmk_visitors", ("300x250", "dynamic"), "/prices",
         ("uk", "en", "mixed"), 1.0, "20110010", "Remarketing | Visitors", cpc=1.6, ctr=0.009),
    # Yandex Direct. The smart banners were never tagged; nobody registered the laser test.
    Link("y1", "search_brand", _Y, "yandex", "cpc", "brand_ru", ("main", "fast"), "/", _RU, 1.0, "81210001",
         "Бренд | Поиск", cpc=56.0, ctr=0.23),
    Link("y2", "search_generic", _Y, "yandex", "cpc", "training_search_ru", ("courses", "masters"), "/training", _RU,
         1.0, "81210002", "Обучение | Поиск", renamed="Обучение | Поиск | автостратегия", cpc=152.0, ctr=0.07),
    Link("y3", "search_generic", _Y, "yandex", "cpc", "equipment_search_ru", ("laser", "peel"), "/equipment", _RU, 0.8,
         "81210003", "Оборудование | Поиск", cpc=220.0, ctr=0.06),
    Link("y4", "display", _Y, "yandex", "display", "rsya_training_ru", ("pic1", "pic2"), "/training", _RU, 1.0,
         "81210004", "РСЯ | Обучение", cpc=44.0, ctr=0.006),
    Link("y5", "remarketing", _Y, "yandex", "display", "rsya_retarget_ru", ("pic1", "pic2"), "/prices", _RU, 1.0,
         "81210005", "РСЯ | Ретаргетинг", cpc=52.0, ctr=0.01),
    Link("y6", "display", _Y, "yandex", "display", "smart_banners_ru", ("",), "/equipment", _RU, 0.5, "81210006",
         "РСЯ | Смарт-баннеры", is_tagged=False, is_registered=False, cpc=36.0, ctr=0.005, idle=14.0),
    Link("y7", "display", _Y, "yandex", "display", "rsya_laser_test", ("v1",), "/equipment/laser", _RU, 0.3, "81210007",
         "РСЯ | Лазер | тест", is_registered=False, cpc=48.0, ctr=0.006),
    # Links without an advertising account. One story link was typed with a capital, one mail with a letter missing.
    Link("s1", "social", "", "instagram", "social", "bio_link", landing="/"),
    Link("s2", "social", "", "instagram", "social", "stories_masters", ("story",), "/training", weight=0.9),
    Link("s3", "social", "", "facebook", "social", "salon_groups", landing="/equipment", weight=0.6),
    Link("s4", "social", "", "instagram", "social", "stories_masters", ("highlight",), "/training", weight=0.25,
         typed=(("utm_source", "Instagram"),)),
    Link("m1", "messenger", "", "telegram", "messenger", "channel_posts", ("post",), "/blog"),
    Link("m2", "messenger", "", "telegram", "messenger", "channel_offer", ("post",), "/prices", weight=0.5),
    Link("e1", "email", "", "newsletter", "email", "weekly_letter", ("top", "bottom"), "/blog"),
    Link("e2", "email", "", "newsletter", "email", "onboarding", ("step1", "step2"), "/training", weight=0.6),
    Link("e3", "email", "", "newsletter", "email", "weekly_letter", ("top",), "/blog", weight=0.12,
         typed=(("utm_source", "newsleter"),)),
    Link("p1", "partner", "", "partner_academy", "referral", "partner_catalogue", ("card",), "/training"),
    Link("p2", "partner", "", "partner_supply", "referral", "partner_catalogue", ("card",), "/equipment", weight=0.7),
)  # fmt: skip
# Tags of a campaign that ended long ago and still hang in other people's posts: registered, and without spend.
OLD_LINK = Link(
    "old", "search_generic", _G, "google", "cpc", "black_friday_2024", ("banner",), "/prices",
    campaign_id="20100099", name="Black Friday 2024", weight=0.0,
)  # fmt: skip
# Campaigns that differ by a word and are taken for one another by people who build links.
_TWINS = (("g1", "g2"), ("g4", "g5"), ("m1", "m2"))
_BY_KEY = {link.key: link for link in LINKS}
TWIN: dict[str, Link] = {
    one: _BY_KEY[other] for pair in _TWINS for one, other in (pair, pair[::-1])
}  # fmt: skip
OFFICIAL: tuple[Link, ...] = (*(link for link in LINKS if link.is_registered and not link.typed), OLD_LINK)


def _ads() -> dict[str, tuple[Ad, ...]]:
    ads = {}
    for link in LINKS:
        if link.platform:
            ads[link.key] = tuple(
                Ad(link, f"{link.campaign_id}{index}1", f"{link.utm_campaign} {content or 'auto'}",
                   f"{link.campaign_id}{index}01", content)
                for index, content in enumerate(link.contents, 1)
            )  # fmt: skip
    return ads


ADS: dict[str, tuple[Ad, ...]] = _ads()


def registry_text() -> str:
    """The company's UTM registry as YAML: what include/config/utm.yml holds."""
    lines = [
        "# The links this company says it uses. One entry a campaign:",
        "#   utm_source, utm_medium, utm_campaign   the values as they must stand in the address (lower case)",
        "#   utm_content   (optional) the values allowed there; left out: anything",
        "#   platform      google-ads | yandex-direct, whose account it is paid from; empty: costs no media money",
        "#   campaign_id   (with a platform) the platform's id of the campaign; its name may change",
        "#   channel       the channel its visits count for",
        "# A variant (case, spelling) is no entry here: it becomes an alias when a person has accepted it.",
        "links:",
    ]
    merged: dict[tuple[str, str, str], Link] = {}
    contents: dict[tuple[str, str, str], list[str]] = {}
    for link in OFFICIAL:
        key = (link.utm_source, link.utm_medium, link.utm_campaign)
        merged.setdefault(key, link)
        contents.setdefault(key, []).extend(content for content in link.contents if content)
    for key, link in merged.items():
        lines += [f"  - utm_source: {key[0]}", f"    utm_medium: {key[1]}", f"    utm_campaign: {key[2]}"]
        if contents[key]:
            lines.append("    utm_content: [" + ", ".join(f'"{content}"' for content in contents[key]) + "]")
        lines.append(f'    platform: "{link.platform}"')
        if link.campaign_id:
            lines.append(f'    campaign_id: "{link.campaign_id}"')
        lines.append(f"    channel: {link.channel}")
    return "\n".join(lines) + "\n"
