"""A clock that is set an hour forwards or back, as machines do after a flood: nobody is answered twice, kept waiting or turned out."""

from datetime import timedelta
from pathlib import Path

import pytest

from bot.app import Faro
from bot.errors import DatabaseAway
from bot.messages import Channel, Inbound
from bot.settings import Settings
from bot.store.inbox import LEASE, OWED_FOR, Inbox
from bot.store.patience import Patience
from bot.store.sealing import Seal
from bot.store.spool import Memory
from bot.store.store import Store, open_store
from bot.studio.sign_in import LINK_LIFE, SignIn, Volunteer
from tests.conftest import Clock
from tests.doors import PUBLIC_URL, SMS_PATH, TWILIO_TOKEN, open_house, signed, twiml_texts
from tests.test_spool import locked
from tests.test_store import kept

HOUR = timedelta(hours=1)
JUMPS = pytest.mark.parametrize("jump", [HOUR, -HOUR], ids=["forwards", "back"])


class Pulse:
    """A monotonic clock that the test moves."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def inbox(store: Store, clock: Clock, pulse: Pulse) -> Inbox:
    return Inbox(store, Seal(b"x" * 32), "telegram", clock, Patience(left_alone=0), pulse)


@JUMPS
async def test_a_message_in_work_is_taken_over_by_nobody_and_that_of_a_dead_faro_soon(faro: Faro, clock: Clock, jump: timedelta) -> None:
    """Two Faros on two machines; the clock of the second is an hour off."""
    pulse, other = Pulse(), Clock(clock.moment + jump)
    first, second = inbox(faro.store, clock, pulse), inbox(faro.store, other, pulse)
    await first.put("1", "in work")
    await first.put("2", "its Faro dies")
    taken = []
    for _ in range(5):
        pulse.seconds += LEASE / 3
        clock.moment += timedelta(seconds=LEASE / 3)
        await first.renew(["1"])
        taken += await second.orphans()
    assert [debt.message_id for debt in taken] == ["2"]
    clock.moment += jump
    pulse.seconds += LEASE / 3
    await first.renew(["1"])
    assert [debt.message_id for debt in await second.orphans(but=["2"])] == []


async def test_of_two_that_see_a_dead_one_only_one_takes_over(faro: Faro, clock: Clock) -> None:
    pulse = Pulse()
    dead, *living = (inbox(faro.store, clock, pulse) for _ in range(3))
    await dead.put("1", "hello")
    assert [await one.orphans() for one in living] == [[], []]
    pulse.seconds += LEASE
    clock.moment += timedelta(seconds=LEASE)
    assert [len(await one.orphans()) for one in living] == [1, 0]


async def test_while_the_database_was_away_nobody_could_renew(faro: Faro, clock: Clock) -> None:
    """Its time does not count: the first look after it finds nobody dead."""
    pulse = Pulse()
    living, other = inbox(faro.store, clock, pulse), inbox(faro.store, clock, pulse)
    await living.put("1", "hello")
    assert await other.orphans() == []
    with locked(faro.settings.data / "faro.sqlite3"):
        pulse.seconds += 2 * LEASE
        with pytest.raises(DatabaseAway):
            await other.orphans()
    assert await other.orphans() == []
    pulse.seconds += LEASE
    assert len(await other.orphans()) == 1


async def test_what_is_poison_is_dropped_and_what_waits_for_the_vendor_is_not(faro: Faro, clock: Clock) -> None:
    pulse = Pulse()
    door = inbox(faro.store, clock, pulse)
    for name in ("poison", "waits"):
        await door.put(name, name)
    seen: list[str] = []
    for _ in range(40):
        pulse.seconds += LEASE
        clock.moment += timedelta(seconds=LEASE)
        seen += [debt.message_id for debt in await door.orphans()]
        await door.blameless("waits")
    assert (seen.count("poison"), seen.count("waits") > 12) == (8, True)
    clock.moment += OWED_FOR
    for _ in range(2):
        pulse.seconds += LEASE
        assert await door.orphans() == [], "an answer so late helps nobody"


@JUMPS
async def test_a_repeated_message_gets_its_answer_and_place_is_kept(faro: Faro, clock: Clock, jump: timedelta) -> None:
    async with open_house(faro, twilio_auth_token=TWILIO_TOKEN, public_url=PUBLIC_URL) as house:

        async def says(body: str, sid: str) -> list[str]:
            form = {"MessageSid": sid, "From": "+19195550142", "To": "+19195550100", "NumMedia": "0", "Body": body}
            return twiml_texts(await house.client.post(SMS_PATH, data=form, headers=signed(form)))

        first = await says("shelter in wake county", "SM1")
        clock.moment += jump
        assert await says("shelter in wake county", "SM1") == first
        assert "Wake" in (await says("support groups", "SM2"))[0]
        await says("STOP", "SM3")
        clock.moment -= jump
        assert await says("food", "SM4") == []


def test_a_volunteer_is_not_turned_out_by_a_clock_that_is_set_back(clock: Clock) -> None:
    desk = SignIn(b"a secret of the tests, long enough for a key", clock)
    link = desk.link(Volunteer(name="Ana", role="editor"))
    visit = desk.enter(link)
    assert visit
    for jump in (-HOUR, 2 * HOUR):
        clock.moment += jump
        assert desk.visitor(visit) == Volunteer(name="Ana", role="editor")
    clock.moment -= 2 * HOUR
    assert desk.enter(link), "a link, too, outlives a clock that is set back"
    clock.moment += HOUR + timedelta(seconds=LINK_LIFE + 1)
    assert desk.enter(link) is None
    clock.moment += timedelta(hours=12)
    assert desk.visitor(visit) is None


async def test_the_spool_is_read_in_the_order_of_writing(settings: Settings, tmp_path: Path) -> None:
    """Its files are numbered by the clock; one from a time that is an hour away still lies there."""
    store = await open_store(f"sqlite:///{tmp_path / 'faro.sqlite3'}")
    with locked(tmp_path / "faro.sqlite3"):
        memory = Memory(store, Seal(b"x" * 32), settings.data / "spool")
        await memory.keep(kept(message="first"))
    (written,) = (settings.data / "spool").iterdir()
    written.rename(written.with_name(f"{int(written.name[:20]) + 3600 * 10**9:020d}-1.sealed"))
    with locked(tmp_path / "faro.sqlite3"):
        again = Memory(store, Seal(b"x" * 32), settings.data / "spool")
        await again.keep(kept(message="second", county="Ashe"))
    last = Memory(store, Seal(b"x" * 32), settings.data / "spool")
    person = (await last.known("ann", "", "")).person
    assert (person and person.county, last.waiting) == ("Ashe", 2)
    await store.close()


async def test_the_clock_of_a_feed_of_contacts_is_shown_not_reckoned_with(faro: Faro, clock: Clock) -> None:
    """'As of' comes from the row, not from the clock."""
    answers: list[tuple[str, ...]] = []
    for jump in (timedelta(), HOUR, -2 * HOUR):
        clock.moment += jump
        inbound = Inbound(channel=Channel.SMS, sender=f"+1919555{len(answers):04d}", message_id=f"m{len(answers)}", text="shelter in wake county")
        answers.append((await faro.conversation.answer(inbound)).texts)
    assert len(set(answers)) == 1
