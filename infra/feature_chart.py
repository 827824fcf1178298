"""The chart of a feature's information coefficient by year, as one self-contained page."""

from pathlib import Path

from services.feature_review import FeatureReview


def write_feature_chart(review: FeatureReview, path: Path) -> None:
    """Write bars of the mean rank IC by year, with two standard errors, to an HTML file."""
    import plotly.graph_objects as go

    years = [year for year in review.years if year.sessions > 1]
    figure = go.Figure(
        go.Bar(
            x=[year.year for year in years],
            y=[year.ic_mean for year in years],
            marker_color=["#2a9d8f" if year.ic_mean > 0 else "#e76f51" for year in years],
            error_y={"type": "data", "array": [2 * y.ic_std / y.sessions**0.5 for y in years]},
        )
    )
    simulated = f"; {', '.join(review.simulated)} simulated" if review.simulated else ""
    figure.update_layout(
        title=f"{review.name}: rank IC by year on {review.dataset}{simulated}<br>"
        f"<sup>{'<br>'.join(filter(None, (review.meaning, review.formula)))}</sup>",
        yaxis_title=f"mean rank IC, {review.horizon} sessions ahead (bars: two standard errors)",
        template="plotly_white",
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.write_html(path, include_plotlyjs=True)
