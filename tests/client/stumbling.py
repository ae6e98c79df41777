"""A service that fails first: the real application behind a door that does not always open."""


class Stumbling:
    """Answers requests with what is on the list, and passes them on once the list is empty."""

    def __init__(self, app, answers=()):
        self.app = app
        self.answers = list(answers)
        self.headers = []

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        self.headers.append({name.decode(): value.decode() for name, value in scope["headers"]})
        if not self.answers:
            return await self.app(scope, receive, send)
        status, headers, body = self.answers.pop(0)
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})
        return None


def later(status=503, seconds=0):
    """An answer that says when to come back."""
    return status, [(b"retry-after", str(seconds).encode())], b""


def broken():
    """An answer that ends before it is whole."""
    return 200, [(b"content-length", b"1000")], b"{"
