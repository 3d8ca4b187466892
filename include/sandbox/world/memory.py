"""What people say when asked where they heard of the brand: in their own words, and often wrongly."""

from __future__ import annotations

from sandbox.world.population import Person
from sandbox.world.streams import number, unit

# channel -> words in ru, uk, en; alternatives apart by a bar.
_SAID: dict[str, tuple[str, str, str]] = {
    "search_brand": ("Google|в поиске", "Google|в пошуку", "Google|searched for you"),
    "search_generic": ("гугл|яндекс|нашла в поиске", "гугл|шукала курси в гуглі", "Google|Googled courses"),
    "social": ("инстаграм|инста|reels", "інстаграм|інста|фейсбук", "Instagram|insta|Facebook group"),
    "video": ("ютуб|YouTube", "ютуб|YouTube", "YouTube|a video"),
    "display": ("реклама|баннер", "реклама|банер", "an ad|some banner"),
    "remarketing": ("реклама, ходила за мной", "реклама всюди", "your ads everywhere"),
    "messenger": ("телеграм|ваш канал", "телеграм-канал|тг", "Telegram"),
    "email": ("рассылка|письмо", "розсилка|лист від вас", "your newsletter"),
    "referral": ("форум|статья про салоны", "форум|блог майстрів", "a blog|some forum"),
    "partner": ("партнёры|академия", "партнери|академія", "partner academy"),
    "organic": ("Google|поиск", "Google|пошук", "Google|online search"),
    "direct": ("давно знаю вас|сайт", "давно вас знаю|сайт", "I knew you|your site"),
    "ai_assistant": ("ChatGPT|спросила у нейросети", "ChatGPT|порадив чат", "ChatGPT|Perplexity|asked an AI"),
    "word_of_mouth": ("подруга|коллега посоветовала", "подруга|колега порадила", "a friend|a colleague"),
}


def source_said(who: Person, true_channel: str, wrong: float, place: str) -> tuple[str, str]:
    """The words for the channel that the person believes it was, and that channel. `wrong`: odds of a false memory."""
    name = (who.seed, who.key, "memory", place)
    channel = true_channel or "direct"
    if unit(*name, "wrong") < wrong:
        others = sorted(_SAID)
        channel = others[number(*name, "which") % len(others)]
    words = _SAID[channel][("ru", "uk", "en").index(who.written_language)].split("|")
    return words[number(*name, "word") % len(words)], channel
