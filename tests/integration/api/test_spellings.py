"""Other addresses answer as the ones they stand for; the OpenAI front's are tried with the front itself."""

from schemas.spellings import ADDRESSES
from tests.integration.api.visitor import Visitor


async def test_another_address_gives_the_same_answer(caller: Visitor) -> None:
    await caller.submit()
    tried = 0
    for given, meant in ADDRESSES.items():
        if not meant.startswith("/openai"):
            first, second = await caller.get(given), await caller.get(meant)
            assert first.status_code == second.status_code == 200
            assert first.json().keys() == second.json().keys()
            tried += 1
    assert tried == 2


async def test_another_name_of_a_strategy_is_given_back_as_ours(caller: Visitor) -> None:
    headers = {"Authorization": f"Bearer {caller.key}"}
    response = await caller.http.put(
        "/api/v1/config", json={"strategy": "cost_optimization"}, headers=headers
    )
    assert (response.status_code, response.json()["strategy"]) == (200, "cheapest")
