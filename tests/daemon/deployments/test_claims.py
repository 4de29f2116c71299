"""Who may change which services when, whatever is asked for in whatever order."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from rw_daemon.deployments.claims import Claim, Claims

SERVICES = st.frozensets(st.sampled_from("abc"), max_size=3)
ASKED = st.lists(st.tuples(SERVICES, SERVICES, st.booleans()), max_size=8)


async def _nothing() -> None:
    pass


@given(asked=ASKED)
def test_never_two_at_one_service_each_in_its_turn_and_all_come_to_an_end(asked: list[tuple[frozenset[str], frozenset[str], bool]]) -> None:
    """Some give up while they wait, or at work: the others go on all the same."""

    async def run() -> list[Claim]:
        claims, at_work, begun = Claims(), set[str](), list[Claim]()

        async def one(claim: Claim) -> None:
            try:
                await claims.begin(claim, waits=_nothing)
                begun.append(claim)
                assert not at_work & claim.services
                at_work.update(claim.services)
                try:
                    for _ in range(3):
                        await asyncio.sleep(0)
                finally:
                    at_work.difference_update(claim.services)
            finally:
                claims.leave(claim)

        everybody = [Claim(services, needs) for services, needs, _ in asked]
        for claim in everybody:
            claims.ask(claim)
        tasks = [asyncio.create_task(one(claim)) for claim in everybody]
        for _ in range(4):
            await asyncio.sleep(0)
        for task, (_, _, gives_up) in zip(tasks, asked, strict=True):
            if gives_up:
                task.cancel()
        async with asyncio.timeout(5):
            for result in await asyncio.gather(*tasks, return_exceptions=True):
                assert result is None or isinstance(result, asyncio.CancelledError), result
        for at, claim in enumerate(everybody):
            for earlier in everybody[:at]:
                if claim in begun and earlier in begun and claim.waits_for(earlier):
                    assert begun.index(earlier) < begun.index(claim)
        return begun

    begun = asyncio.run(run())
    assert len(begun) >= sum(not gives_up for _, _, gives_up in asked)


async def test_nobody_waits_for_what_he_does_not_touch() -> None:
    claims = Claims()
    both, alone, other = Claim(frozenset("ab")), Claim(frozenset("b")), Claim(frozenset("c"))
    for one in (both, alone, other):
        claims.ask(one)
    assert not await claims.begin(both, waits=_nothing)
    assert not await claims.begin(other, waits=_nothing)
    assert claims.before(alone) == [both]
    claims.leave(both)
    assert not await claims.begin(alone, waits=_nothing)


async def test_what_is_needed_is_waited_for_and_not_kept() -> None:
    claims = Claims()
    needed, needs, late = Claim(frozenset("a")), Claim(frozenset("b"), needs=frozenset("a")), Claim(frozenset("a"))
    for one in (needed, needs, late):
        claims.ask(one)
    assert claims.before(needs) == [needed]
    assert claims.before(late) == [needed]
