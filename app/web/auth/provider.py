"""Signing in through a provider (OpenID Connect Core 1.0): there, and back.

A provider's word stands for both factors. Whoever signed in so proves there, too, that it is still them.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from flask import g, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from app.domain.errors import BadRequestError, DependencyError, ForbiddenError, PortalError
from app.domain.factors import Factor
from app.domain.mail_domain import domain_of
from app.domain.policy import SYSTEM, Actor
from app.log import get_logger
from app.models import Account, IdentityProvider
from app.ports.openid import Client, Return
from app.queries import providers
from app.services import audit, claims, identities, provider_sign_in, tries, vault
from app.services.provider_sign_in import Kept
from app.services.providers import SECRET
from app.web.access import public
from app.web.auth.blueprint import blueprint
from app.web.auth.entering import proved, renewed
from app.web.auth.target import inside
from app.web.context import actor, system, system_work

log = get_logger(__name__)

#: Where a cookie has the secret that binds who was sent to a provider to this browser.
AWAY = "away"

_DENIED = "Your provider did not let you in, or you did not agree that it tells us who you are."
_FAILED = "Your provider could not sign you in. Start again, or ask whoever runs it."


@blueprint.context_processor
def _ways() -> dict[str, object]:
    """Let the pages about signing in ask for providers, where they show them."""
    return {"sign_in_providers": _listed, "provider_of_session": _of_session}


def _listed() -> tuple[Sequence[IdentityProvider], bool]:
    """Return the providers that have buttons, and whether some are found by mail addresses."""
    with system_work() as uow:
        return providers.listed(uow.session), providers.any_domain(uow.session)


def _of_session() -> IdentityProvider | None:
    """Return the provider by which whoever asks signed in, if it was one."""
    with system_work() as uow:
        return providers.of_session(uow.session, getattr(current_user, "session_id", None))


def for_address(email: str) -> IdentityProvider | None:
    """Return the provider by which people with addresses of this mail domain sign in, if there is one."""
    with system_work() as uow:
        return providers.by_domain(uow.session, domain_of(email))


def leaving(provider: IdentityProvider, target: str | None) -> str:
    """Return a page that goes on to the provider by itself.

    Not a redirect: what answers a form may not lead to another site (form-action of our own policy).
    """
    return render_template("auth/leaving.html", provider=provider, target=inside(target))


@blueprint.get("/sign-in/with/<slug>", endpoint="provider")
@public
def leave(slug: str) -> ResponseReturnValue:
    """Send the browser to the provider; with ``again`` so that whoever is signed in proves who they are.

    Only where a person sees it: what a foreign page fetches, or frames, would use up the departures of
    their whole network.
    """
    if request.headers.get("Sec-Fetch-Dest", "document") != "document":
        raise ForbiddenError("Open this address in a window of your browser.", why="not a page")
    confirms = "again" in request.args and getattr(current_user, "session_id", None)
    with system_work() as uow:
        provider = providers.by_slug(uow.session, slug)
    try:
        departure = system().adapters.openid.depart(_client(provider), again=bool(confirms))
    except DependencyError as error:
        return _refusal(error, provider)
    browser = session.setdefault(AWAY, secrets.token_urlsafe(32))
    with system_work() as uow:
        # Counted for the network alone: no two departures have one state.
        tries.begin(uow, tries.Kind.DEPARTURE, departure.state, request.remote_addr)
        provider_sign_in.begin(
            uow,
            provider,
            departure,
            browser=browser,
            target=inside(request.args.get("next")),
            session_id=confirms or None,
        )
    return redirect(departure.url, code=303)


@blueprint.get("/sign-in/with/<slug>/callback", endpoint="provider_callback")
@public
def come_back(slug: str) -> ResponseReturnValue:
    """Take the provider's answer, once, in the browser that was sent there."""
    with system_work() as uow:
        provider = providers.by_slug(uow.session, slug)
        given = provider_sign_in.was_given(uow, request.args.get("state", ""))
    if not given:
        # Anybody can send these without end: they leave no row anywhere.
        log.warning("unknown_state", provider=slug, address=request.remote_addr)
        return _refusal(provider_sign_in.stale(), provider)
    try:
        kept = _kept(provider)
        said = _ask(provider, kept)
        if kept.session_id:
            return _confirm(provider, kept, said)
        account = _find(provider, said)
    except (BadRequestError, ForbiddenError, DependencyError) as error:
        with system().work(_as(provider), g.request_id) as uow:
            audit.record(
                uow,
                "session.refused",
                organisation_id=provider.organisation_id,
                provider=provider.slug,
                why=error.context.get("why") or error.code,
                email=error.context.get("email"),
                subject=error.context.get("subject"),
            )
        return _refusal(error, provider)
    return proved(account, Factor.PROVIDER, kept.target, provider_id=provider.id)


def _kept(provider: IdentityProvider) -> Kept:
    """Use up what was kept of the departure. Raises BadRequestError, ForbiddenError, TooManyTriesError."""
    state, browser, network = request.args["state"], session.get(AWAY, ""), request.remote_addr
    with system_work() as uow:
        tries.begin(uow, tries.Kind.PROVIDER, state, network)
    with system_work() as uow:
        kept = provider_sign_in.finish(uow, provider, state, browser)
        tries.succeeded(uow, tries.Kind.DEPARTURE, state, network)
    if error := request.args.get("error"):
        refused = ForbiddenError if error == "access_denied" else BadRequestError
        raise refused(_DENIED if error == "access_denied" else _FAILED, why=f"provider: {error[:100]}")
    return kept


def _ask(provider: IdentityProvider, kept: Kept) -> Mapping[str, Any]:
    """Redeem the code; return the verified claims."""
    said = system().adapters.openid.arrive(
        _client(provider),
        Return(
            code=request.args.get("code", ""),
            issuer=request.args.get("iss"),
            nonce=kept.nonce,
            verifier=kept.verifier,
            now=kept.now,
            wanted=claims.wanted(provider),
            flag=claims.flag(provider),
            since=kept.began if kept.session_id else None,
        ),
    )
    with system_work() as uow:
        tries.succeeded(uow, tries.Kind.PROVIDER, request.args["state"], request.remote_addr)
    return said


def _find(provider: IdentityProvider, said: Mapping[str, Any]) -> Account:
    with system().work(_as(provider), g.request_id) as uow:
        return identities.find(uow, provider, said)


def _confirm(provider: IdentityProvider, kept: Kept, said: Mapping[str, Any]) -> ResponseReturnValue:
    """Go on where the person who is signed in wanted to, once it is them who signed in there anew."""
    if getattr(current_user, "session_id", None) != kept.session_id:
        raise BadRequestError("Meanwhile you signed out, or in anew. Start again.", why="session")
    with system_work() as uow:
        identities.belongs_to(uow, provider, said, actor().id)
    return renewed([Factor.PROVIDER], kept.target)


def _client(provider: IdentityProvider) -> Client:
    sealed = provider.client_secret
    settings = system().settings
    return Client(
        issuer=provider.issuer,
        client_id=provider.client_id,
        client_secret=vault.unseal(settings, SECRET, sealed) if sealed else None,
        redirect_uri=settings.base_url + url_for("auth.provider_callback", slug=provider.slug),
    )


def _as(provider: IdentityProvider) -> Actor:
    """Return who acts until it is known who it is."""
    return replace(SYSTEM, address=request.remote_addr, means=f"provider {provider.slug}")


def _refusal(error: PortalError, provider: IdentityProvider) -> ResponseReturnValue:
    page = render_template("auth/provider_refused.html", provider=provider, message=error.message)
    return page, int(error.status)
