"""Who logs in to a server that somebody else runs: a user, and where the password comes from."""

from __future__ import annotations

from collections.abc import Mapping

import pydantic
from pydantic import Field, SecretStr

from components.explain import NAMESPACE
from components.settings.kinds import Model, Name


class LoginSettings(Model):
    """A user and a password: one of `password` and `passwordVariable`."""

    user: Name = Field(description="The role that logs in.")
    password: SecretStr | None = Field(
        None, description="Its password, set with `pulumi config set --secret --path`; in clear it is refused."
    )
    password_variable: str | None = Field(
        None,
        pattern=r"^[A-Za-z_][A-Za-z0-9_]*$",
        description="Name of the environment variable that has the password, wherever Pulumi runs.",
    )

    @pydantic.model_validator(mode="after")
    def _check_one_password(self) -> LoginSettings:
        if (self.password is None) == (self.password_variable is None):
            raise ValueError("needs one of password and passwordVariable, and no more")
        return self

    def secret(self, environment: Mapping[str, str]) -> str:
        """The password itself; empty where the variable is not set, which `problems` tells."""
        if self.password is not None:
            return self.password.get_secret_value()
        return environment.get(self.password_variable or "", "")

    def problems(self, key: str, environment: Mapping[str, str], *, encrypted: bool) -> list[str]:
        """What is wrong with where the password comes from, a line each.

        Args:
            key: where this login is in the settings.
            environment: in which the program runs.
            encrypted: whether the stack file has this part of the settings encrypted.
        """
        if self.password is not None and not encrypted:
            path = f"{NAMESPACE}:{key}.password"
            return [f"{path}: is in clear in the stack file: take it out, and run `pulumi config set --secret --path '{path}'`"]
        if not self.secret(environment):
            if self.password is not None:
                return [f"{NAMESPACE}:{key}.password: is empty: set the password of {self.user}"]
            told = f'{NAMESPACE}:{key}.passwordVariable = "{self.password_variable}"'
            return [f"{told}: the environment has no such variable: export it with the password of {self.user}"]
        return []
