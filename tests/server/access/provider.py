"""A small real OpenID provider as a process: oidc-provider-mock, which leaves PKCE (RFC 7636) to be added.

Prints its port. `PUT /fault` makes it publish other keys than the one it signs with.
"""

import base64
import hashlib
import io
import json
from urllib.parse import parse_qs

import oidc_provider_mock
from joserfc.jwk import KeySet, RSAKey
from werkzeug.serving import make_server

challenges = {}
faults = []


def answer(start, status, body):
    start(status, [("Content-Type", "application/json")])
    return [json.dumps(body).encode()]


def with_pkce(provider):
    """Codes are given for a challenge and redeemed by its verifier only."""

    def serve(environ, start):
        path = environ["PATH_INFO"]
        if path == "/fault":
            faults.append(True)
            return answer(start, "200 OK", {})
        if path == "/jwks" and faults:
            key = RSAKey.generate_key(2048, {"use": "sig"}, auto_kid=True)
            return answer(start, "200 OK", KeySet([key]).as_dict())
        if path == "/oauth2/authorize":
            asked = parse_qs(environ["QUERY_STRING"])
            if asked.get("code_challenge_method") != ["S256"]:
                return answer(start, "400 Bad Request", {"error": "invalid_request"})

            def remember(status, headers, *more):
                found = parse_qs(dict(headers).get("Location", "").partition("?")[2])
                challenges.update(dict.fromkeys(found.get("code", []), asked["code_challenge"][0]))
                return start(status, headers, *more)

            return provider(environ, remember)
        if path == "/oauth2/token":
            body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
            form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
            digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
            if challenges.get(form["code"]) != base64.urlsafe_b64encode(digest).rstrip(b"=").decode():
                return answer(start, "400 Bad Request", {"error": "invalid_grant"})
            environ["wsgi.input"] = io.BytesIO(body)
        return provider(environ, start)

    return serve


if __name__ == "__main__":
    server = make_server("127.0.0.1", 0, with_pkce(oidc_provider_mock.app(require_nonce=True)), threaded=True)
    print(server.server_port, flush=True)  # noqa: T201
    server.serve_forever()
