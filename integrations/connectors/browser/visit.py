"""What one session does on the app's pages, step by step, and what goes wrong there."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from urllib.parse import urlencode, urlsplit

from playwright.async_api import Error as PlaywrightError
from playwright.async_api import Locator, Page, Response
from playwright.async_api import TimeoutError as PlaywrightTimeout

from integrations.connectors.base import (
    ConnectorError,
    Misconfigured,
    TemporaryFailure,
)
from integrations.connectors.browser.blueprint import (
    Blueprint,
    Reading,
    Step,
    Target,
    Verb,
)
from integrations.connectors.browser.gate import Gate
from integrations.connectors.browser.looking import look_at, pick, take
from integrations.connectors.browser.targets import (
    Values,
    as_text,
    fill_path,
    fill_text,
    in_words,
    locate,
)
from integrations.connectors.client import UNFINISHED, UNREACHABLE, UNTRUSTED, Answer
from integrations.connectors.exchange import Exchange
from integrations.connectors.expressions import work_out
from integrations.connectors.failures import SESSION_REFUSED, AccountGone
from integrations.connectors.meanings import (
    Meaning,
    error_for,
    meaning_of,
)
from integrations.connectors.redaction import redact_body, redact_path, redact_text
from integrations.desired import JSON, Connection

NO_PAGE = (
    "The app has no page at the address that its manifest names. Check the address, "
    "and that the manifest fits the app's version."
)
ENDED = "The browser ended in the middle of its work. Keyway tries again."
INTERRUPTED = "The time for this was over before the app had answered."


@dataclass(slots=True)
class _Doing:
    """A step under way: in which act, and with which values."""

    act: str
    number: int
    step: Step
    values: Values
    is_login: bool
    begun: float = field(default_factory=time.monotonic)


class Visit:
    """The one page of a session. Everything here runs in the browser's thread."""

    def __init__(
        self,
        page: Page,
        gate: Gate,
        *,
        blueprint: Blueprint,
        connection: Connection,
        takes_pictures: bool,
    ) -> None:
        self._page = page
        self._gate = gate
        self._blueprint = blueprint
        self._connection = connection
        self._takes_pictures = takes_pictures
        self._config: JSON = {
            **blueprint.config,
            "identifier": connection.identifier,
        }
        self._status: int | None = None
        self._is_logged_in = False
        self._new_password = ""
        self.exchanges: list[Exchange] = []
        page.on("response", self._hear)

    async def walk(self, act: str, steps: Sequence[Step], values: Values) -> None:
        """Do the steps of an act as the service account. Raises ConnectorError.

        `act` is what an error calls it. The error is AccountGone if a page of the
        account with `id` is gone.
        """
        if not self._is_logged_in:
            await self.log_in()
        await self._walk(act, steps, values)

    async def log_in(self) -> None:
        """Log in anew. Raises Misconfigured if the app refuses."""
        self._is_logged_in = False
        login: JSON = {
            "username": self._connection.username,
            "password": self._connection.secret,
        }
        steps = self._blueprint.log_in
        await self._walk("log in", steps, {"login": login}, is_login=True)
        self._is_logged_in = True

    async def reach(self) -> None:
        """Return if the log-in page, or any page in its place, answers."""
        step = self._blueprint.log_in[0]
        doing = _Doing("reach the app", 1, step, self._known({}), is_login=True)
        await self._noted(doing)

    async def rows(self, target: Target) -> list[Locator]:
        """Return the rows that the page shows now."""
        return await locate(self._page, target, self._known({})).all()

    async def next_page(self, target: Target) -> str:
        """Return the address of the next page of a list, empty on the last one."""
        link = locate(self._page, target, self._known({})).first
        if not await link.count():
            return ""
        address: str = await link.evaluate("element => element.href || ''")
        return address

    async def open(self, url: str, values: Values) -> None:
        """Go to a page as the service account, and log in anew if that has ended."""
        if await self._lands_at(url, values):
            return
        await self.log_in()
        if not await self._lands_at(url, values):
            self._is_logged_in = False
            raise Misconfigured(SESSION_REFUSED)

    async def read(
        self, act: str, readings: Mapping[str, Reading], root: Locator | None = None
    ) -> dict[str, JSON]:
        """Return what the page, or one row of it, shows. Raises Misconfigured."""
        return {
            name: await self.read_one(act, reading, root)
            for name, reading in readings.items()
        }

    async def read_one(
        self, act: str, reading: Reading, root: Locator | None = None
    ) -> JSON:
        """Return one thing that the page shows."""
        found = locate(root or self._page, reading.target, self._known({}))
        try:
            value = await look_at(found, reading.look)
        except PlaywrightTimeout as error:
            raise self._changed(act, "reading", reading.target) from error
        picked = pick(reading.pattern, value)
        if picked is None:
            raise self._changed(act, "reading", reading.target)
        return picked

    async def _walk(
        self,
        act: str,
        steps: Sequence[Step],
        values: Values,
        *,
        is_login: bool = False,
    ) -> None:
        self._new_password = str(values.get("new_password", ""))
        for number, step in enumerate(steps, 1):
            await self._noted(_Doing(act, number, step, self._known(values), is_login))

    def _known(self, values: Values) -> Values:
        return {**values, "config": self._config}

    async def _noted(self, doing: _Doing) -> None:
        """Do a step, and note how it went."""
        at = datetime.now(UTC)
        error = ""
        try:
            await self._do(doing)
        except AccountGone:
            # What is looked for may be gone: that is an answer.
            raise
        except ConnectorError as failure:
            error = failure.message
            raise
        except asyncio.CancelledError:
            error = INTERRUPTED
            raise
        finally:
            # After goto comes a step that shows the page; what is typed is masked.
            shows = error or doing.step.verb not in {Verb.GOTO, Verb.FILL}
            picture = b""
            if shows and self._takes_pictures and error != INTERRUPTED:
                picture = await take(self._page, self._masks())
            self._note(doing, at, error, picture)

    async def _do(self, doing: _Doing) -> None:
        if doing.step.verb is Verb.GOTO:
            await self._goto(doing)
            return
        try:
            await self._act(doing)
        except PlaywrightTimeout as error:
            raise await self._explained(doing) from error
        except PlaywrightError as error:
            if "strict mode violation" in error.message:
                raise await self._explained(doing, "exactly one: ") from error
            raise TemporaryFailure(ENDED) from error

    async def _goto(self, doing: _Doing) -> None:
        path = fill_path(doing.step.path, doing.values) if doing.step.path else "/"
        query = {
            name: as_text(work_out(each, dict(doing.values)))
            for name, each in doing.step.query.items()
        }
        more = f"?{urlencode(query)}" if query else ""
        url = f"{self._connection.base_url}{path}{more}"
        if doing.is_login:
            await self._lands_at(url, doing.values)
        else:
            await self.open(url, doing.values)

    async def _lands_at(self, url: str, values: Values) -> bool:
        """Go to `url`; return whether the app let us in there."""
        with self._explaining_going():
            response = await self._page.goto(url)
        if response is not None and response.status == HTTPStatus.UNAUTHORIZED:
            return False
        self._status = await self._judged(response, values)
        return urlsplit(self._page.url).path != self._login_path()

    async def _act(self, doing: _Doing) -> None:
        step, values = doing.step, doing.values
        assert step.target is not None  # noqa: S101  only goto has none
        found = locate(self._page, step.target, values)
        value = (
            "" if step.value is None else as_text(work_out(step.value, dict(values)))
        )
        if step.accepts:
            self._page.once("dialog", lambda dialog: dialog.accept())
        match step.verb:
            case Verb.FILL:
                await found.fill(value)
            case Verb.CHOOSE:
                await found.select_option(value)
            case Verb.CHECK:
                await found.check()
            case Verb.UNCHECK:
                await found.uncheck()
            case Verb.CLICK:
                await found.click()
            case Verb.EXPECT:
                await self._expect(found, doing)

    async def _expect(self, found: Locator, doing: _Doing) -> None:
        """Wait for what should be there, or for the app to say why it is not."""
        blueprint = self._blueprint
        target = blueprint.login_refused if doing.is_login else blueprint.refused
        if target is None:
            await found.filter(visible=True).first.wait_for()
            return
        refusal = locate(self._page, target, doing.values).filter(visible=True)
        await found.filter(visible=True).or_(refusal).first.wait_for()
        if not await refusal.count():
            return
        if doing.is_login:
            raise error_for(Meaning.REFUSED, Answer(HTTPStatus.UNAUTHORIZED, {}, b""))
        words = " ".join(await refusal.all_inner_texts())
        raise self._refusal(redact_text(words, secrets=self._secrets()))

    def _refusal(self, said: str) -> ConnectorError:
        told = said.casefold()
        is_duplicate = any(d.casefold() in told for d in self._blueprint.duplicates)
        meaning = Meaning.DUPLICATE if is_duplicate else Meaning.INVALID
        answer = Answer(HTTPStatus.UNPROCESSABLE_ENTITY, {}, b"")
        return error_for(meaning, answer, said=said)

    async def _judged(self, response: Response | None, values: Values) -> int | None:
        """Return the status of a page that is fine. Raises what it means else."""
        if response is None:
            return None
        answer = Answer(response.status, await _headers(response), b"")
        meaning = meaning_of(answer, ())
        if meaning is Meaning.FINE:
            return response.status
        self._status = response.status
        if meaning is Meaning.GONE and "id" not in values:
            raise Misconfigured(NO_PAGE)
        raise error_for(meaning, answer)

    @contextlib.contextmanager
    def _explaining_going(self) -> Iterator[None]:
        """Turn what keeps a page from opening into an error of the port."""
        self._status = None
        try:
            yield
        except PlaywrightTimeout as error:
            raise TemporaryFailure(UNFINISHED) from error
        except PlaywrightError as error:
            if self._gate.failure is not None:
                raise self._gate.failure from error
            if "net::ERR_CERT" in error.message or "net::ERR_SSL" in error.message:
                raise Misconfigured(UNTRUSTED) from error
            raise TemporaryFailure(UNREACHABLE) from error

    async def _explained(self, doing: _Doing, which: str = "") -> ConnectorError:
        """Return why an element did not come: the app fails, is slow or changed."""
        if self._gate.failure is not None:
            return self._gate.failure
        if self._status is not None and self._status >= HTTPStatus.BAD_REQUEST:
            answer = Answer(self._status, {}, b"")
            meaning = meaning_of(answer, ())
            if meaning is not Meaning.INVALID:
                return error_for(meaning, answer)
        with contextlib.suppress(PlaywrightError):
            if await self._page.evaluate("document.readyState") != "complete":
                return TemporaryFailure(UNFINISHED)
        assert doing.step.target is not None  # noqa: S101  goto has none, and is not here
        return self._changed(
            doing.act, f"step {doing.number}", doing.step.target, doing.values, which
        )

    def _changed(
        self,
        act: str,
        where: str,
        target: Target,
        values: Values | None = None,
        which: str = "",
    ) -> Misconfigured:
        words = in_words(target, values or self._known({}))
        words = redact_text(words, secrets=self._secrets())
        return Misconfigured(
            f"The app's pages have changed: {where} of “{act}” expected {which}{words}. "
            "Compare the app's version with its manifest."
        )

    def _hear(self, response: Response) -> None:
        """Remember the status of the page on show."""
        request = response.request
        if request.is_navigation_request() and request.frame == self._page.main_frame:
            self._status = response.status

    def _login_path(self) -> str:
        path = self._blueprint.log_in[0].path
        login = fill_path(path, self._known({})) if path else "/"
        return urlsplit(f"{self._connection.base_url}{login}").path

    def _masks(self) -> list[Locator]:
        values = self._known({})
        return [locate(self._page, mask, values) for mask in self._blueprint.masks]

    def _note(self, doing: _Doing, at: datetime, error: str, picture: bytes) -> None:
        step, secrets = doing.step, self._secrets()
        sent: JSON = None
        if step.target is None:
            path = fill_path(step.path, doing.values) if step.path else "/"
            shown = redact_path(path, secrets=secrets)
        else:
            shown = redact_text(in_words(step.target, doing.values), secrets=secrets)
        if step.value is not None and step.target is not None:
            name = fill_text(step.target.text, doing.values)
            sent = {name: work_out(step.value, dict(doing.values))}
        self.exchanges.append(
            Exchange(
                at=at,
                method=step.verb.upper(),
                path=shown,
                request_body=""
                if doing.is_login
                else redact_body(sent, secrets=secrets),
                status=self._status,
                error=error,
                answer_body="",
                milliseconds=round((time.monotonic() - doing.begun) * 1000),
                is_login=doing.is_login,
                screenshot=picture,
            )
        )

    def _secrets(self) -> list[str]:
        return [self._connection.secret, self._new_password]


async def _headers(response: Response) -> dict[str, str]:
    """Return `Retry-After`, which is all that a page's headers are read for."""
    wish = await response.header_value("retry-after")
    return {"Retry-After": wish} if wish else {}
