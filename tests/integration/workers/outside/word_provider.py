"""An adapter as others write it: outside of the package, found by its entry point, priced by itself."""

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping
from decimal import Decimal
from typing import Any

from orchestrator.adapters import (
    Answer,
    Capabilities,
    Category,
    Provider,
    ProviderFailed,
    Request,
    Response,
    Usage,
)


class WordProvider(Provider):
    """Asks an OpenAI-compatible endpoint for whole answers, at a price a thousand tokens."""

    name = "word"
    capabilities = Capabilities(structured_output=True)

    async def process_request(self, request: Request) -> Answer:
        """One POST; what is refused is surely free."""
        if self.account.settings.get("broken"):
            raise RuntimeError("the adapter is broken")
        if "own_client" in self.account.settings:
            return await self._by_a_client_of_its_own(str(self.account.settings["own_client"]))
        if self.account.settings.get("impatient"):
            raise TimeoutError("its own limit is over")
        path = str(self.account.settings.get("path", "/chat/completions"))
        body = self._body(request)
        response = await self.client.request("POST", path, json=body, headers=self._key())
        if response.status != 200:
            raise self._refused(response)
        told = response.json()
        choice, counts = told["choices"][0], told["usage"]
        usage = Usage(input_tokens=counts["prompt_tokens"], output_tokens=counts["completion_tokens"])
        text, model = choice["message"]["content"], told["model"]
        if choice["finish_reason"] == "length":
            return Answer(text, usage, model, "length")
        return Answer(text, usage, model)

    async def get_models(self) -> list[str]:
        """By the endpoint's list."""
        response = await self.client.request("GET", "/models", headers=self._key())
        return [row["id"] for row in response.json()["data"]]

    async def validate_credentials(self) -> bool | None:
        """By the same list."""
        response = await self.client.request("GET", "/models", headers=self._key())
        return response.status == 200

    async def get_usage_stats(self) -> Mapping[str, Any] | None:
        """A vendor's own count."""
        return {"requests": 1}

    def estimate_cost(self, model: str, usage: Usage) -> Decimal | None:
        """A cent a thousand tokens."""
        return Decimal(usage.input_tokens + usage.output_tokens) / 1000 / 100

    async def _by_a_client_of_its_own(self, ending: str) -> Answer:
        if ending == "answers":
            return Answer("five words", None)
        if ending == "hangs":
            await asyncio.sleep(60)
        raise ProviderFailed(Category.SERVER_ERROR, "It broke off.")

    def _body(self, request: Request) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": request.model,
            "messages": [{"role": each.role, "content": each.content} for each in request.messages],
            "max_completion_tokens": request.max_output_tokens,
        }
        if request.schema is not None:
            named = {"name": "answer", "schema": request.schema}
            body["response_format"] = {"type": "json_schema", "json_schema": named}
        return body

    def _key(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.account.credential}"}

    def _refused(self, response: Response) -> ProviderFailed:
        category = Category.RATE_LIMITED if response.status == 429 else Category.BAD_REQUEST
        hint = float(self.account.settings.get("hint", 3.0))
        return ProviderFailed(
            category, "It was refused.", http_status=response.status, retry_after=hint, may_be_billed=False
        )


class StreamingWordProvider(WordProvider):
    """The same, while it comes."""

    name = "streaming-word"
    capabilities = Capabilities(structured_output=True, streaming=True)

    async def stream_request(self, request: Request) -> AsyncGenerator[str | Answer, None]:
        """Server-sent events, read line by line."""
        body = self._body(request) | {"stream": True, "stream_options": {"include_usage": True}}
        async with self.client.stream(
            "POST", "/chat/completions", json=body, headers=self._key()
        ) as response:
            if response.status != 200:
                raise self._refused(await response.read())
            model, ended = None, False
            async for line in response.lines():
                if not line.startswith("data: {"):
                    continue
                told = json.loads(line.removeprefix("data: "))
                model = told["model"]
                for choice in told["choices"]:
                    yield choice["delta"].get("content") or ""
                    ended = ended or choice["finish_reason"] == "stop"
                if told.get("usage") and ended:
                    counts = told["usage"]
                    yield Answer(
                        "",
                        Usage(
                            input_tokens=counts["prompt_tokens"], output_tokens=counts["completion_tokens"]
                        ),
                        model,
                    )
                if self.account.settings.get("broken"):
                    raise ProviderFailed(Category.SERVER_ERROR, "It gave up.", may_be_billed=False)
