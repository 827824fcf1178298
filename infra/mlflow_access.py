"""With what the desk shows itself to an MLflow server: user and password, or a token.

The secret stands in a setting (so in an environment variable) or in a file; it goes into one header
of each call and, for MLflow's client, into the variables that it reads. It is never written or
logged.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field

from basics.errors import InvalidInputError, MissingDataError
from infra.isolation import hand_on
from infra.setting_groups import MlflowSettings


@dataclass(frozen=True, slots=True)
class Access:
    """A user and a password, or a token alone; neither is shown when it is printed."""

    user: str = ""
    secret: str = field(default="", repr=False)

    @property
    def header(self) -> Mapping[str, str]:
        """The header of a call; none without a secret."""
        if not self.secret:
            return {}
        if not self.user:
            return {"Authorization": f"Bearer {self.secret}"}
        told = base64.b64encode(f"{self.user}:{self.secret}".encode()).decode()
        return {"Authorization": f"Basic {told}"}

    def tell_client(self) -> None:
        """Set what MLflow's client reads of its environment, in this process alone."""
        if not self.secret:
            return
        if self.user:
            hand_on(
                {"MLFLOW_TRACKING_USERNAME": self.user, "MLFLOW_TRACKING_PASSWORD": self.secret}
            )
        else:
            hand_on({"MLFLOW_TRACKING_TOKEN": self.secret})


def access_of(settings: MlflowSettings) -> Access:
    """Return what the settings say.

    Raises
    ------
    InvalidInputError
        If they say two things, or a user without a password.
    MissingDataError
        If the file of the secret is not there.
    """
    given = {
        "mlflow.password": settings.password,
        "mlflow.token": settings.token,
        "mlflow.secret_file": settings.secret_file,
    }
    named = [name for name, value in given.items() if value is not None]
    if len(named) > 1:
        raise InvalidInputError(f"{' and '.join(named)} both give the secret: keep one of them")
    if settings.user and settings.token:
        raise InvalidInputError("mlflow.token goes without mlflow.user: leave one of them out")
    if not named:
        if settings.user:
            raise InvalidInputError(
                f"mlflow.user {settings.user!r} has no password: set mlflow.password or "
                "mlflow.secret_file"
            )
        return Access()
    user = settings.user or ""
    if settings.password is not None and not user:
        raise InvalidInputError("mlflow.password has no user: set mlflow.user, or mlflow.token")
    if settings.secret_file is not None:
        try:
            return Access(user, settings.secret_file.read_text(encoding="utf-8").strip())
        except OSError as error:
            raise MissingDataError(
                f"mlflow.secret_file {settings.secret_file} cannot be read: {error.strerror}"
            ) from error
    secret = settings.password or settings.token
    assert secret is not None  # One of them was named.
    return Access(user, secret.get_secret_value())
