"""What all models share: unknown fields are kept, nothing in an answer is fatal, secrets do not show.

Every field has a default, also those that a request must carry (``REQUIRED`` marks them, ``problems`` asks for
them): an answer that leaves one out still has to be read. A field of the wrong type gets its default.
"""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    GetCoreSchemaHandler,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_core import CoreSchema, core_schema

from bridge.errors import ConfigError
from bridge.metastudio.models.problems import problems
from bridge.secret import Secret, redact_url

_REVEAL = {"reveal": True}
_EXACT = {"exact": True}
_HIDDEN = "***"


class _SecretSchema:
    """Reads a text into a ``Secret``; writes ``***``, or the value where it goes on the wire."""

    def __get_pydantic_core_schema__(self, _source: object, _handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.union_schema(
            [
                core_schema.is_instance_schema(Secret),
                core_schema.no_info_after_validator_function(Secret, core_schema.str_schema()),
            ],
            serialization=core_schema.plain_serializer_function_ser_schema(self._written, info_arg=True),
        )

    def _written(self, secret: Secret, info: core_schema.SerializationInfo) -> str:
        if info.context == _REVEAL or not secret:
            return secret.reveal()
        return self.shown(secret.reveal())

    def shown(self, _value: str) -> str:
        return _HIDDEN


class _SecretUrlSchema(_SecretSchema):
    """The same for a URL that carries a key in its query: the rest of it may be seen."""

    def shown(self, value: str) -> str:
        return f"{redact_url(value)}{f'?{_HIDDEN}' if '?' in value else ''}"


SecretText = Annotated[Secret, _SecretSchema()]
SecretUrl = Annotated[Secret, _SecretUrlSchema()]


class Part(BaseModel):
    """A JSON object of the API."""

    model_config = ConfigDict(extra="allow", coerce_numbers_to_str=True, hide_input_in_errors=True)

    @field_validator("*", mode="wrap")
    @classmethod
    def _default_if_unreadable(cls, value: Any, read: Any, info: ValidationInfo) -> Any:
        try:
            return read(value)
        except ValidationError:
            if info.context == _EXACT:
                raise
            return cls.model_fields[str(info.field_name)].get_default(call_default_factory=True)

    @classmethod
    def contradictions(cls, _data: dict[str, Any]) -> list[tuple[str, str]]:
        """Return what is wrong between the fields of an operator's object: field, and problem with what is allowed."""
        return []

    @classmethod
    def from_operator(cls, data: object) -> Self:
        """Read an operator's request; raises ``ConfigError`` with every problem in it."""
        found = problems(cls, data)
        if found:
            raise ConfigError(found)
        return cls.model_validate(data, context=_EXACT)

    def to_wire(self) -> dict[str, Any]:
        """Return the JSON object as it is sent, secrets in the clear: for the wire only."""
        return self.model_dump(mode="json", exclude_unset=True, exclude_none=True, context=_REVEAL)

    def shown(self) -> dict[str, Any]:
        """Return the JSON object as people may see it."""
        return self.model_dump(mode="json", exclude_unset=True, exclude_none=True)


def _objects(value: Any) -> list[Any]:
    return [item for item in value if isinstance(item, dict | Part)] if isinstance(value, list) else []


ObjectsOnly = BeforeValidator(_objects)
"""For the page of a list: an item that is no object must not hide the others."""


class ErrorInfo(Part):
    """Why a job or room failed."""

    error_code: str = ""
    error_msg: str = ""
