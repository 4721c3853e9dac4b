"""A BentoML service that does nothing: what the framework itself costs."""

import bentoml


@bentoml.service(workers=1, logging={"access": {"enabled": False}})
class Empty:
    """One route without any work."""

    @bentoml.api(route="/empty")
    async def empty(self, account_ids: list[str]) -> dict[str, int]:
        """Return how many were named."""
        return {"accounts": len(account_ids)}
