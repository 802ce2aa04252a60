"""An OpenID provider whose documents and tokens a test shapes at will, on a port of this machine."""

import base64
import json
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, unquote_plus, urlencode, urlsplit

import httpx
from joserfc import jwt
from joserfc.jwk import RSAKey
from joserfc.jws import JWSRegistry

SIGNING = RSAKey.generate_key(2048, {"kid": "signing", "use": "sig"})
OTHER = RSAKey.generate_key(2048, {"kid": "other", "use": "sig"})
SUBJECT = "248289761001"


class ShapedProvider:
    """Answers as its attributes say; `clients` collects how the collector proved its identity."""

    def __init__(self, address):
        """Shape an ordinary provider of one key, whose groups are in the ID token."""
        self.address = address
        self.metadata = {
            "issuer": address,
            "authorization_endpoint": f"{address}/authorize",
            "token_endpoint": f"{address}/token",
            "jwks_uri": f"{address}/keys",
            "userinfo_endpoint": f"{address}/userinfo",
        }
        self.keys = [SIGNING.as_dict(private=False)]
        self.header = {"alg": "RS256", "kid": "signing"}
        self.key = SIGNING
        self.claims = {"groups": ["it-aubeclair"], "preferred_username": "ada"}
        self.userinfo = {"sub": SUBJECT}
        self.userinfo_status = 200
        self.accepted_methods = ("client_secret_basic", "client_secret_post", "none")
        self.ahead_s = 0
        self.clients = []

    def standard_claims(self, asked):
        """The claims that every ID token has."""
        now = int(time.time()) + self.ahead_s
        return {
            "iss": self.metadata["issuer"], "aud": asked["client_id"], "sub": SUBJECT,
            "nonce": asked["nonce"], "iat": now, "exp": now + 300,
        }  # fmt: skip

    def token(self, asked):
        """The answer for a code: status and document."""
        claims = self.standard_claims(asked) | self.claims
        content = {name: value for name, value in claims.items() if value is not DROPPED}
        return 200, {"access_token": "at", "token_type": "Bearer", "id_token": self.signed(content)}

    def signed(self, claims):
        """A token of claims with the provider's header, whatever it says."""
        header, content = (encoded(json.dumps(part).encode()) for part in (self.header, claims))
        alg = JWSRegistry.algorithms[self.header["alg"]]
        return f"{header}.{content}.{encoded(alg.sign(f'{header}.{content}'.encode(), self.key))}"


def encoded(content):
    """Base64url without padding."""
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


DROPPED = object()
"""In place of a claim: the claim is absent."""


def client_of(headers, form):
    """How a client proved its identity at the token endpoint: method, id and secret."""
    scheme, _, text = headers.get("Authorization", "").partition(" ")
    if scheme == "Basic":
        client_id, _, secret = base64.b64decode(text).decode().partition(":")
        return "client_secret_basic", unquote_plus(client_id), unquote_plus(secret)
    method = "client_secret_post" if "client_secret" in form else "none"
    return method, form.get("client_id"), form.get("client_secret")


@contextmanager
def running():
    """Serve a provider until the end of the block."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.provider, server.codes = ShapedProvider(f"http://127.0.0.1:{server.server_port}"), {}
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server.provider
    server.shutdown()
    server.server_close()
    thread.join()


class Handler(BaseHTTPRequestHandler):
    """The endpoints."""

    def log_message(self, *_):
        """Print nothing."""

    def answer(self, document, status=200, kind="application/json"):
        """Send a document; a text as it is."""
        body = (document if isinstance(document, str) else json.dumps(document)).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        """Description, keys, userinfo, and the page where people log in, which asks nothing."""
        provider, place = self.server.provider, urlsplit(self.path)
        if place.path == "/authorize":
            asked = dict(parse_qsl(place.query))
            code = f"code-{len(self.server.codes)}"
            self.server.codes[code] = asked
            self.send_response(302)
            back = urlencode({"code": code, "state": asked["state"]})
            self.send_header("Location", f"{asked['redirect_uri']}?{back}")
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif place.path == "/keys":
            self.answer({"keys": provider.keys})
        elif place.path == "/userinfo":
            is_signed = isinstance(provider.userinfo, str)
            kind = "application/jwt" if is_signed else "application/json"
            self.answer(provider.userinfo, provider.userinfo_status, kind)
        else:
            self.answer(provider.metadata)

    def do_POST(self):
        """Exchange a code, if the client proves its identity in an accepted way."""
        provider = self.server.provider
        form = dict(parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))
        provider.clients.append(client_of(self.headers, form))
        if provider.clients[-1][0] not in provider.accepted_methods:
            self.answer({"error": "invalid_client"}, 401)
            return
        status, document = provider.token(self.server.codes.pop(form["code"]))
        self.answer(document, status)


def signed(claims, key=SIGNING, kid="signing"):
    """A JWT of claims."""
    return jwt.encode({"alg": "RS256", "kid": kid}, claims, key)


def callback_of(address):
    """The address to which the provider sends a browser back that comes with a request to log in."""
    return httpx.get(address, follow_redirects=False, trust_env=False).headers["location"]
