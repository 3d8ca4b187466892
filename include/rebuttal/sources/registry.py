"""All declared sources by name. A new vendor is a file beside these and a line here."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from rebuttal.errors import ConfigError
from rebuttal.sources import ga4, google_ads, hubspot, typeform, yandex_direct, yandex_metrica, yclients
from rebuttal.sources.config import Declared, SourcesConfig, nearest, read_config
from rebuttal.sources.declare import Source, Stream

_SOURCES: Mapping[str, Source] = {
    module.SOURCE.name: module.SOURCE
    for module in (google_ads, yandex_direct, yandex_metrica, ga4, hubspot, typeform, yclients)
}


def registry() -> Mapping[str, Source]:
    """Source name -> declaration, in the order in which they are pulled."""
    return _SOURCES


def source_of(name: str) -> Source:
    """The source of that name. Raises ConfigError with the nearest valid word."""
    if name not in _SOURCES:
        raise ConfigError(f"There is no source {name!r}", next_step=nearest(name, _SOURCES))
    return _SOURCES[name]


def stream_of(source: str, stream: str) -> Stream:
    """The stream of that name. Raises ConfigError with the nearest valid word."""
    streams = {one.name: one for one in source_of(source).streams}
    if stream not in streams:
        raise ConfigError(f"Source {source!r} has no stream {stream!r}", next_step=nearest(stream, streams))
    return streams[stream]


def load_sources(config: Path) -> SourcesConfig:
    """`sources.yml` in the folder `config`, checked against the declared sources. Raises ConfigError."""
    return read_config(config, Declared({name: source.options for name, source in _SOURCES.items()}))
