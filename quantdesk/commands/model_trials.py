"""`quantdesk models ab`: two versions in service side by side, judged or replayed."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from quantdesk.output import AsJson, show_json, show_table

if TYPE_CHECKING:
    from infra.bootstrap import Desk

Name = Annotated[str, typer.Argument(help="Which model.")]


def models_ab(
    name: Name = "price",
    start: Annotated[
        str | None,
        typer.Option(help="Begin a trial: shadow (unseen), split (by entity) or crossover."),
    ] = None,
    stop: Annotated[bool, typer.Option("--stop", help="End the trial that runs.")] = False,
    challenger: Annotated[
        str, typer.Option(help="The version tried: an alias or a number.")
    ] = "challenger",
    share: Annotated[float, typer.Option(help="Share of the units under a split.")] = 0.5,
    as_json: AsJson = False,
) -> None:
    """Show the trial of a model and its replay over the last two years; begin or end one."""
    from basics.errors import InvalidInputError
    from infra.bootstrap import open_desk

    if start and stop:
        raise InvalidInputError("--start and --stop are two commands: give one of them")
    with open_desk() as desk:
        if start:
            _start(desk, name, start, challenger, share)
        elif stop:
            ended = desk.arm_trials.end(name, by="command line")
            typer.echo(f"trial {ended.plan.plan_id} of {name} ended")
        else:
            _show(desk, name, challenger, as_json)


def _start(desk: "Desk", name: str, form: str, challenger: str, share: float) -> None:
    from basics.errors import InvalidInputError
    from models.arms import Mode, Unit

    forms = {
        "shadow": (Mode.SHADOW, Unit.ENTITY),
        "split": (Mode.SPLIT, Unit.ENTITY),
        "crossover": (Mode.SPLIT, Unit.ENTITY_SESSION),
    }
    if form not in forms:
        raise InvalidInputError(f"--start {form!r} is unknown: say {', '.join(forms)}")
    mode, unit = forms[form]
    standing = desk.arm_trials.start(
        name, mode=mode, treatment=challenger, share=share, unit=unit, by="command line"
    )
    plan = standing.plan
    typer.echo(
        f"trial {plan.plan_id} of {name} began: v{plan.treatment} against champion "
        f"v{plan.control}, {form}; a running API takes part within a second"
    )


def _show(desk: "Desk", name: str, challenger: str, as_json: bool) -> None:
    state = desk.arm_trials.state(name)
    treatment = state.standing.plan.treatment if state and not state.void else challenger
    shadow, split = desk.arm_trials.replay(name, treatment=treatment)
    if as_json:
        show_json({"running": state, "replay": {"shadow": shadow, "split": split}})
        return
    if state is None:
        typer.echo(f"no trial of {name} runs; --start shadow or --start split begins one")
    else:
        plan, verdict = state.standing.plan, state.verdict
        typer.echo(
            f"trial {plan.plan_id}, {plan.mode} since {state.standing.started_at:%Y-%m-%d}: "
            f"{verdict.treatment} against {verdict.control}; {verdict.control_answers} and "
            f"{verdict.treatment_answers} answers with their outcome"
        )
        typer.echo(state.void or verdict.verdict)
    rows = [
        (
            verdict.plan.mode,
            verdict.control_answers,
            verdict.treatment_answers,
            len(verdict.days),
            *_figures(verdict.test),
            verdict.verdict,
        )
        for verdict in (shadow, split)
    ]
    columns = ("mode", "champion", "challenger", "observations", "difference", "95% sequence", "p")
    show_table(
        f"Replayed over the last two years: {shadow.treatment} against {shadow.control}",
        (*columns, "verdict"),
        rows,
        right=columns[1:],
    )


def _figures(test: Any) -> tuple[str, str, str]:  # noqa: ANN401 - a SequentialTest, imported lazily
    if test is None:
        return "", "", ""
    interval = f"[{test.low[-1]:+.2g}, {test.high[-1]:+.2g}]"
    return f"{test.mean_difference:+.3g}", interval, f"{test.p_values[-1]:.3f}"
