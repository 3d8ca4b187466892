"""The company's site: pages, goals, and the addresses that people come from."""

from __future__ import annotations

from sandbox.parameters import PRODUCTS

GOAL_LEAD, GOAL_PHONE, GOAL_PRICES = "30010001", "30010002", "30010003"
# The questions people have, in order, and the pages that answer them.
QUESTIONS = ("what", "for_me", "trust", "worth", "start")
_COURSES = tuple(f"/training/{product.code.replace('_', '-')}" for product in PRODUCTS if product.is_training)
_DEVICES = tuple(f"/equipment/{product.code.replace('_', '-')}" for product in PRODUCTS if not product.is_training)
PAGES: dict[str, tuple[str, ...]] = {
    "what": ("/", "/training", "/equipment", "/blog"),
    "for_me": (*_COURSES, *_DEVICES),
    "trust": ("/reviews", "/about", "/team"),
    "worth": ("/prices", "/compare", "/instalments"),
    "start": ("/contacts", "/booking", "/delivery"),
}
TITLES = {
    "/": "Brand: training and equipment for salons",
    "/prices": "Prices",
    "/reviews": "Reviews",
    "/thank-you": "Thank you",
}
SEARCHERS = {
    "ru": ("https://yandex.ru/", "https://www.google.com/"),
    "uk": ("https://www.google.com.ua/", "https://www.google.com/"),
    "en": ("https://www.google.com/", "https://www.bing.com/"),
    "mixed": ("https://www.google.com/", "https://www.google.com.ua/"),
}
ASSISTANTS = (
    "https://chatgpt.com/",
    "https://www.perplexity.ai/",
    "https://gemini.google.com/",
    "https://copilot.microsoft.com/",
    "https://claude.ai/",
)
# Assistants that write their own name into the links they give.
ASSISTANT_TAGS = {"chatgpt.com": "chatgpt.com", "www.perplexity.ai": "perplexity"}
REFERRERS = ("https://beautyforum.example/", "https://masters-blog.example/", "https://salon-news.example/")
SOCIALS = {"instagram": "https://l.instagram.com/", "facebook": "https://m.facebook.com/"}
PARTNERS = {"partner_academy": "https://academy-partner.example/", "partner_supply": "https://supply-partner.example/"}


def title(path: str) -> str:
    """What the browser's title bar says on a page."""
    return TITLES.get(path, path.strip("/").replace("-", " ").replace("/", " | ").capitalize())


def referrer(channel: str, language: str, source: str, u: float) -> str:
    """The address a visit of this channel comes from; empty where browsers send none."""
    if channel in ("organic", "search_generic", "search_brand"):
        if source in ("google", "yandex"):
            return "https://www.google.com/" if source == "google" else "https://yandex.ru/"
        return SEARCHERS[language][0 if u < 0.7 else 1]
    if channel == "ai_assistant":
        return "" if u > 0.75 else ASSISTANTS[int(u / 0.75 * len(ASSISTANTS))]
    if channel == "social":
        return SOCIALS.get(source, SOCIALS["instagram"]) if u < 0.75 else ""
    if channel == "referral":
        return REFERRERS[int(u * len(REFERRERS))]
    if channel == "partner":
        return PARTNERS.get(source, "")
    if channel == "video":
        return "https://www.youtube.com/" if u < 0.6 else ""
    if channel in ("display", "remarketing"):
        return "https://googleads.g.doubleclick.net/" if source == "google" else "https://yandex.ru/"
    return ""


def metrica_source(referrer_url: str, medium: str | None, has_click_id: bool) -> str:
    """Metrica's word for where a visit came from."""
    words = {"email": "email", "messenger": "messenger", "social": "social", "referral": "referral"}
    if has_click_id or (medium or "").lower() in ("cpc", "display", "video"):
        return "ad"
    if medium and medium.lower() in words:
        return words[medium.lower()]
    if not referrer_url:
        return "direct"
    host = referrer_url.split("/")[2]
    if any(name in host for name in ("google.com", "yandex.ru", "bing.com")) and "gemini" not in host:
        return "organic"
    if "instagram" in host or "facebook" in host or "youtube" in host:
        return "social"
    return "messenger" if host == "t.me" else "referral"
