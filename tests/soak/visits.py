"""People at the portal, with the least of a browser."""

from collections import Counter

from gateway.demo.browser import Browser

PASSWORD = "a teapot full of violets"
BORN = {"day": "3", "month": "2", "year": "1980"}
WRONG = {"day": "4", "month": "2", "year": "1980"}
PAGES = 5


def register(link: str) -> Browser:
    """From the invitation's link to the inbox. Raises LookupError where it does not lead there."""
    browser = Browser().open(link)
    for _ in range(PAGES):
        if "/inbox" in browser.url:
            return browser
        browser.send(name="Pat", password=PASSWORD, **BORN)
    raise LookupError(f"no way to the inbox: {browser.text[:300]}")


def guess(link: str) -> None:
    """Three wrong birthdates. Raises LookupError where there is nothing to guess."""
    browser = Browser().open(link).send()
    for _ in range(3):
        browser.send(**WRONG)


def sign_in(portal: str, address: str) -> Browser:
    """Raises LookupError where the portal does not let them in."""
    browser = Browser().open(f"{portal}/sign-in").send(email=address, password=PASSWORD)
    if "/inbox" not in browser.url:
        raise LookupError(f"{address} cannot sign in: {browser.text[:300]}")
    return browser


def read(portal: str, address: str, subject: str) -> None:
    """Open a message. Raises LookupError where it is not there, or says something else."""
    if body(subject) not in sign_in(portal, address).follow(subject).text:
        raise LookupError(f"{subject} cannot be read")


def answer(browser: Browser, portal: str, subject: str, text: str) -> None:
    """Answer a message, unless that was done: the page that said so may never have come."""
    if f"Re: {subject}" not in browser.open(f"{portal}/inbox?show=sent").text:
        browser.open(f"{portal}/inbox").follow(subject).follow("Answer").send(body=text)
    if f"Re: {subject}" not in browser.open(f"{portal}/inbox?show=sent").text:
        raise LookupError(f"the answer to {subject} is not among what was sent")


def readable(browser: Browser, portal: str, subjects: list[str]) -> Counter[str]:
    """How many messages of each subject lie in the inbox; of those that cannot be read, none."""
    links = list(browser.open(f"{portal}/inbox").page.css("ul.lines a[href]"))
    found = Counter(subject for link in links for subject in subjects if subject in link.text())
    for subject in list(found):
        if body(subject) not in browser.open(f"{portal}/inbox").follow(subject).text:
            del found[subject]
    return found


def body(subject: str) -> str:
    """What a mail of this subject says."""
    return f"All that has to be said on {subject}."
