"""The admins' page of scores fitted to what people decided here: before, after, adopt, undo."""

from typing import Any

from markupsafe import Markup
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from forum.errors import Changed, ForumError, Invalid
from forum.web.forms import Form
from forum.web.pages import page, see_other
from forum.web.transactions import read, transact
from moderation import calibrations, labels, limits, policies
from moderation.calibrations import LEAST, PolicyForAnother, ProposalChanged
from moderation.policies import PolicyChanged
from moderation.reliability import diagram


async def proposal(request: Request) -> Response:
    """The newest proposal, with what it would do to the thresholds."""
    return await _page(request)


async def _page(request: Request, problem: ForumError | None = None) -> Response:
    known = await read(request, _known)
    return await page(
        request,
        "admin/calibration.html",
        status=problem.status if problem else 200,
        problem=problem,
        least=LEAST,
        **known,
    )


def _known(session: Session) -> dict[str, Any]:
    current, misfit = policies.in_force(session), policies.misfit(session)
    found, loaded = calibrations.proposal(session), calibrations.loaded(session)
    at_least = limits.in_force(session)[1].decisions
    is_open = found is not None and calibrations.is_open(session, found)
    offered = calibrations.offered(found) if found is not None and is_open else []
    then = None
    if loaded is not None and misfit is None and offered:
        then = calibrations.moved(session, loaded, offered, current.policy)
    return {
        "current": current,
        "misfit": misfit,
        "loaded": loaded,
        "adopted": calibrations.adopted(session),
        "found": found,
        "is_open": is_open,
        "refits": calibrations.refits_of(found) if found else [],
        "offered": offered,
        "drawings": {
            # Drawn by us from numbers and our own labels.
            each.label: tuple(
                Markup(diagram({f"{labels.BY_NAME[each.label].title}, {when}": one}))  # noqa: S704
                for when, one in (("now", each.before), ("then", each.after))
                if one is not None
            )
            for each in offered
        },
        "moved": []
        if then is None
        else [
            (labels.BY_NAME[name].title, current.policy.thresholds[name], limit)
            for name, limit in then.thresholds.items()
            if limit != current.policy.thresholds[name]
        ],
        "at_least": at_least,
        "new": calibrations.new_decisions(session, at_most=at_least),
    }


async def change(request: Request) -> Response:
    """Adopt a proposal, return to the classifier's own scores, or ask for another proposal."""
    form = await Form.read(request)
    action, by = form.text("action"), request.state.viewer.id

    def act(session: Session) -> str:
        if action == "fit":
            if calibrations.ask(session, by=by) is None:
                raise Invalid("Nothing was scored here yet, so there is nothing to fit.")
            return "fit-asked"
        based_on = form.required("based_on")
        if action == "adopt":
            number = form.required("proposal")
            calibrations.adopt_proposal(session, number, based_on=based_on, author=by)
            return "calibration"
        if action != "undo":
            raise Invalid("Please choose what to do by one of the buttons.")
        if calibrations.leave_adopted(session, based_on=based_on, author=by) is None:
            raise Changed("The scores are the classifier’s own already.")
        return "calibration-undone"

    try:
        notice = await transact(request, act)
    except (Invalid, Changed) as problem:
        return await _page(request, problem)
    except PolicyForAnother as problem:
        return await _page(request, Changed(str(problem)))
    except (PolicyChanged, ProposalChanged):
        faster = Changed(
            "Another admin was faster: the policy or the proposal is another one now. Nothing was"
            " changed. Please look at what stands below."
        )
        return await _page(request, faster)
    return see_other(request, "calibration", ask={"notice": notice})
