"""The FastAPI shell: HTTP in, HTTP out, and nothing else.

- `app`: builds the application
- `routes`: one function a call: read, ask the service, answer
- `runs`: the same for runs and rollouts that come one by one
- `documents`: what routes share
- `body`: bytes of a request, within limits
- `problems`: errors as problem+json (RFC 9457)
- `schema`: openapi.yaml
- `server`: one process that serves it, and how it ends
"""
