"""Walk all links of pages, and collect what leads elsewhere."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urldefrag, urljoin, urlsplit

REFERENCES = {"href", "src", "action", "formaction", "poster", "cite", "data", "manifest", "ping"}


class References(HTMLParser):
    """The addresses that a page refers to, and the methods of its forms."""

    def __init__(self, html):
        """Read a page."""
        super().__init__()
        self.addresses, self.posts = [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        """Collect the addresses of one element."""
        about = dict(attrs)
        found = [value for name, value in attrs if name in REFERENCES and value is not None]
        if (about.get("http-equiv") or "").lower() == "refresh":
            found.append((about.get("content") or "").partition("=")[2])
        is_post = tag == "form" and (about.get("method") or "").lower() == "post"
        (self.posts if is_post else self.addresses).extend(found)


@dataclass
class Walk:
    """What a walk found: addresses by answer, posts, and what lies outside of where it began."""

    answers: dict = field(default_factory=dict)
    posts: set = field(default_factory=set)
    outside: set = field(default_factory=set)

    def broken(self):
        """The addresses that are not there or failed, with the status; what a role may not see is there."""
        found = {address: answer.status_code for address, answer in self.answers.items()}
        return {address: status for address, status in found.items() if status == 404 or status >= 500}


def walk(get, begin, most=150):
    """Follow links from an address; `get` returns the answer to an address without following redirects.

    Addresses of other hosts are external; those of this host that do not begin with `begin` are outside.
    """
    found, waiting = Walk(), [begin]
    kinds = {}
    while waiting and len(found.answers) < most:
        address = waiting.pop(0)
        place = urlsplit(address)
        kind = (place.path.count("/"), place.path.split("/")[-2:], place.query.count("="))
        if address in found.answers or kinds.setdefault(str(kind), 0) > 6:
            continue
        kinds[str(kind)] += 1
        answer = get(address)
        found.answers[address] = answer
        references = []
        if "location" in answer.headers:
            references.append(answer.headers["location"])
        if answer.headers.get("content-type", "").startswith("text/html"):
            page = References(answer.text)
            references += page.addresses
            found.posts |= {urljoin(address, action) for action in page.posts}
        for reference in references:
            target = urldefrag(urljoin(address, reference))[0]
            if urlsplit(target).netloc != urlsplit(begin).netloc:
                continue
            if target.startswith(begin):
                waiting.append(target)
            else:
                found.outside.add((address, reference))
    found.outside |= {("form", action) for action in found.posts if not action.startswith(begin)}
    return found
