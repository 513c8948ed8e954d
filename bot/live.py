"""The parts that bring live information, put together for bot/app.py, which knows the rest."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import httpx

from bot.alerts.broadcasts import Broadcasts
from bot.alerts.choosing import Choice
from bot.alerts.dispatch import Dispatcher
from bot.alerts.watching import AlertWatcher
from bot.channels.telegram_sender import TelegramSender
from bot.feeds.asking import PATIENCE, WHO_ASKS
from bot.feeds.nws import NwsSource
from bot.feeds.placing import Placing
from bot.feeds.polling import Poller, Source
from bot.feeds.shelter_feeds import FEEDS
from bot.feeds.shelters import ShelterSource
from bot.geo.points import CountyMap
from bot.geo.tables import Gazetteer
from bot.handover import HelpDesk
from bot.intents import Kit
from bot.limits import Limiter
from bot.messages import Channel
from bot.outgoing import Outgoing
from bot.settings import Settings
from bot.store.feeds import Feeds
from bot.store.handovers import Handovers
from bot.store.lease import Lease
from bot.store.outbox import Outbox
from bot.store.patience import Patience
from bot.store.sealing import Seal
from bot.store.store import Store
from bot.store.subscriptions import Subscriptions
from bot.tls import trusted
from bot.wording.catalog import Words


@dataclass(frozen=True, kw_only=True)
class LiveParts:
    """What runs beside the doors."""

    broadcasts: Broadcasts
    dispatcher: Dispatcher
    watcher: AlertWatcher | None
    pollers: Sequence[Poller]
    client: httpx.AsyncClient = field(repr=False)
    desk: HelpDesk | None = None

    async def run(self) -> None:
        """For ever, all at the same time."""
        parts = [self.dispatcher.run(), *(poller.run() for poller in self.pollers), *((self.watcher.run(),) if self.watcher else ()), *((self.desk.tend(),) if self.desk else ())]
        try:
            await asyncio.gather(*parts)
        finally:
            await self.client.aclose()


def rates(settings: Settings) -> dict[Channel, float]:
    """Messages a second, on the channels where Faro can write first."""
    return {Channel.SMS: settings.sms_per_second, Channel.TELEGRAM: settings.telegram_per_second}


def seal(settings: Settings) -> Seal:
    return Seal(settings.key(), tuple(one.get_secret_value().encode() for one in settings.former_secrets))


def build_live(
    settings: Settings, *, store: Store, feeds: Feeds, counties: CountyMap, gazetteer: Gazetteer, words: Words, outgoing: Outgoing, clock: Callable[[], datetime], desk: HelpDesk | None = None
) -> LiveParts:
    outbox, subscriptions = Outbox(store, clock), Subscriptions(store, seal(settings), clock)
    who = f"{WHO_ASKS} ({settings.public_url})" if settings.public_url else WHO_ASKS
    client = httpx.AsyncClient(timeout=PATIENCE, headers={"User-Agent": who}, follow_redirects=True, verify=trusted())
    placing, asked = Placing(counties, gazetteer), settings.asked()
    addresses = {"fema": settings.fema_url, "nss": settings.nss_url, "red-cross": settings.red_cross_url}
    sources: list[Source] = [ShelterSource(make(addresses[name]), client, placing) for name, make in FEEDS.items() if name in asked]
    watcher = None
    if "nws" in asked:
        sources.append(NwsSource(settings.nws_url, who, client, gazetteer.counties))
        watcher = AlertWatcher(
            feeds=feeds,
            outbox=outbox,
            lease=Lease(store, "alerts", clock),
            events=settings.content / "alerts" / "events.csv",
            words=words,
            clock=clock,
            choice=Choice(least=settings.alerts_from),
        )
    leases = {channel: Lease(store, f"sending {channel}", clock) for channel in rates(settings)}
    return LiveParts(
        broadcasts=Broadcasts(outbox, subscriptions, words, rates(settings), clock),
        dispatcher=Dispatcher(outbox=outbox, subscriptions=subscriptions, outgoing=outgoing, leases=leases, rates=rates(settings), clock=clock),
        watcher=watcher,
        pollers=[Poller(source, feeds, Lease(store, f"feed {source.name}", clock), clock) for source in sources],
        client=client,
        desk=desk,
    )


def build_desk(settings: Settings, *, store: Store, patience: Patience, group: object, outgoing: Outgoing, kit: Callable[[], Kit], clock: Callable[[], datetime]) -> HelpDesk | None:
    """Between residents and the volunteers' group, when there is one."""
    if not (settings.volunteers_chat and isinstance(group, TelegramSender)):
        return None
    chat = str(settings.volunteers_chat)
    handovers = Handovers(store, seal(settings), chat, clock, patience)
    return HelpDesk(handovers=handovers, group=group, chat=chat, outgoing=outgoing, kit=kit, secret=settings.key(), clock=clock, limiter=Limiter())
