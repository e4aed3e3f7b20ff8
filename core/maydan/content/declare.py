"""Content types declared in code: a class per type, an annotation per field.

.. code-block:: python

    class Post(Entry, name="blog.post", slug_from="title", indexes=(("-posted_at",),), engagement=("comments",)):
        title: Annotated[str, options(localized=True, searchable=True, max_length=200)]
        body: Annotated[RichText | None, options(localized=True, searchable=True)] = None
        author: Annotated[str | None, relation("blog.author", on_delete="nullify")] = None
        tags_of_old: list[str] = []
        rating: Annotated[int, options(min=0, max=5, indexed=True)] = 0
        posted_at: datetime | None = None

    POST = content_type(Post)

A field without a default is required, unless it may be ``None``; a default other than ``None`` or ``[]`` is that of
the field. ``list[...]`` is ``many``. A ``Struct`` is a component, a list of a union of Structs is blocks, a ``Literal``
or ``StrEnum`` is an enum; the other kinds are named below.
"""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal
from enum import StrEnum
from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    Final,
    Literal,
    TypeAlias,
    Union,
    cast,
    dataclass_transform,
    get_args,
    get_origin,
    get_type_hints,
)

import msgspec
from msgspec import NODEFAULT, Struct, StructMeta, UnsetType, structs

from maydan.content.normal import check_type
from maydan.content.types import ContentType, Field, Kind, OnDelete, Workflow
from maydan.money import Money

OnDeleteName: TypeAlias = Literal["restrict", "nullify", "cascade"]


class Options(Struct, frozen=True, omit_defaults=True):
    """What an annotation says of a field beside its Python type; made by :func:`options` and :func:`relation`."""

    kind: Kind | UnsetType = msgspec.UNSET
    localized: bool = False
    unique: bool = False
    indexed: bool = False
    searchable: bool = False
    private: bool = False
    min: float | int | str | None = None
    max: float | int | str | None = None
    min_length: int | None = None
    max_length: int | None = None
    pattern: str | None = None
    to: tuple[str, ...] = ()
    on_delete: OnDelete = OnDelete.RESTRICT


def options(  # noqa: PLR0913 - as many as fields have options; all by name
    *,
    localized: bool = False,
    unique: bool = False,
    indexed: bool = False,
    searchable: bool = False,
    private: bool = False,
    min: float | str | None = None,
    max: float | str | None = None,
    min_length: int | None = None,
    max_length: int | None = None,
    pattern: str | None = None,
) -> Options:
    """Say more of a field, inside of ``Annotated``; each option is that of :class:`~maydan.content.types.Field`."""
    return Options(
        localized=localized, unique=unique, indexed=indexed, searchable=searchable, private=private,
        min=min, max=max, min_length=min_length, max_length=max_length, pattern=pattern,
    )  # fmt: skip


def relation(*to: str, on_delete: OnDeleteName = "restrict") -> Options:
    """Make a ``str`` (or ``list[str]``) a relation to entries of the named types."""
    return Options(kind=Kind.RELATION, to=to, on_delete=OnDelete(on_delete))


class Geo(Struct, frozen=True):
    """A point on the earth, WGS 84, in degrees."""

    lat: float
    lng: float


Text = Annotated[str, Options(kind=Kind.TEXT)]
RichText = Annotated[str, Options(kind=Kind.RICHTEXT)]
Email = Annotated[str, Options(kind=Kind.EMAIL)]
Url = Annotated[str, Options(kind=Kind.URL)]
Phone = Annotated[str, Options(kind=Kind.PHONE)]
Color = Annotated[str, Options(kind=Kind.COLOR)]
Asset = Annotated[str, Options(kind=Kind.ASSET)]
Secret = Annotated[str, Options(kind=Kind.SECRET)]
Json = Annotated[Any, Options(kind=Kind.JSON)]

_KINDS: Final[dict[Any, Kind]] = {
    str: Kind.STRING, int: Kind.INTEGER, float: Kind.NUMBER, bool: Kind.BOOLEAN, Decimal: Kind.DECIMAL,
    Money: Kind.MONEY, Geo: Kind.GEO, date: Kind.DATE, datetime: Kind.DATETIME, time: Kind.TIME,
}  # fmt: skip


class _Declared(Struct, frozen=True):
    """What the class line says."""

    name: str
    title: str
    drafts: bool
    single: bool
    slug_from: str | None
    indexes: tuple[tuple[str, ...], ...]
    engagement: tuple[str, ...]
    workflow: Workflow | None


_DECLARED: Final[dict[type, _Declared]] = {}


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(msgspec.field,))
class EntryMeta(StructMeta):
    """Takes what a content type is on the class line of an :class:`Entry`; its Structs are frozen, by keyword only."""

    def __new__(  # noqa: PLR0913, PYI034 - one per option of a type; Self is not for metaclasses
        cls,
        class_name: str,
        bases: tuple[type, ...],
        namespace: dict[str, Any],
        *,
        name: str = "",
        title: str = "",
        drafts: bool = True,
        single: bool = False,
        slug_from: str | None = None,
        indexes: tuple[tuple[str, ...], ...] = (),
        engagement: tuple[str, ...] = (),
        workflow: Workflow | None = None,
    ) -> EntryMeta:
        """Make the class; without ``name`` it is a base of others and no content type."""
        made = super().__new__(cls, class_name, bases, namespace, kw_only=True, frozen=True)
        if name:
            _DECLARED[made] = _Declared(name, title, drafts, single, slug_from, indexes, engagement, workflow)
        return made


class Entry(Struct, metaclass=EntryMeta):
    """Base of the classes that declare content types."""


def content_type(declared: type[Struct]) -> ContentType:
    """Return the content type that a class declares, in its one normal form.

    Raises:
        TypeError: The class declares none, or an annotation means nothing here; the message names it.
        InvalidInput: The type is not acceptable, as it would not be over HTTP.
    """
    head = _DECLARED.get(declared)
    if head is None:
        raise TypeError(f"{declared.__name__} declares no content type: class {declared.__name__}(Entry, name=…)")
    candidate = ContentType(
        name=head.name,
        title=head.title,
        drafts=head.drafts,
        single=head.single,
        slug_from=head.slug_from,
        indexes=head.indexes,
        engagement=head.engagement,
        workflow=head.workflow,
        fields=_fields(declared),
    )
    return check_type(candidate, previous=None)


def _fields(declared: type[Struct]) -> tuple[Field, ...]:
    hints = get_type_hints(declared, include_extras=True)
    return tuple(_field(declared, info, hints[info.name]) for info in structs.fields(declared))


class _Shape(Struct):
    """What was found on the way through an annotation."""

    options: list[Options]
    optional: bool = False
    many: bool = False


def _field(declared: type[Struct], info: structs.FieldInfo, annotation: Any) -> Field:
    place = f"{declared.__name__}.{info.name}"
    shape = _Shape(options=[])
    bare = _bare(annotation, shape)
    said = {name: value for one in reversed(shape.options) for name, value in structs.asdict(one).items()
            if value != getattr(_NOTHING_SAID, name)}  # fmt: skip
    kind = said.pop("kind", None)
    of, values = (), ()
    if kind is None:
        kind, of, values = _kind_of(bare, shape, place)
    default = None if info.default is NODEFAULT else info.default
    has_default = info.default is not NODEFAULT or info.default_factory is not NODEFAULT
    return Field(
        name=info.name,
        kind=kind,
        required=not shape.optional and not has_default and kind is not Kind.BLOCKS,
        many=shape.many and kind is not Kind.BLOCKS,
        default=msgspec.to_builtins(default),
        of=of,
        values=values,
        **said,
    )


_NOTHING_SAID: Final = Options()


def _bare(annotation: Any, shape: _Shape) -> Any:
    """Take ``Annotated``, ``| None`` and ``list`` off an annotation, and note them."""
    origin = get_origin(annotation)
    if origin is Annotated:
        inner, *notes = get_args(annotation)
        for note in notes:
            if not isinstance(note, Options):
                raise TypeError(f"{note!r} says nothing of a field; use options(…) or relation(…)")
            shape.options.append(note)
        return _bare(inner, shape)
    if origin in (Union, UnionType):
        members = [member for member in get_args(annotation) if member is not NoneType]
        shape.optional = shape.optional or len(members) < len(get_args(annotation))
        return _bare(members[0], shape) if len(members) == 1 else tuple(members)
    if origin in (list, tuple) and not shape.many:
        shape.many = True
        return _bare(get_args(annotation)[0], shape)
    return annotation


def _kind_of(
    bare: Any, shape: _Shape, place: str
) -> tuple[Kind, tuple[Field, ...] | dict[str, tuple[Field, ...]], tuple[str, ...]]:
    """Return the kind that a Python type means, with the inner fields or values that come with it."""
    if get_origin(bare) is Literal:
        return Kind.ENUM, (), tuple(str(value) for value in get_args(bare))
    if isinstance(bare, tuple):
        blocks = cast("tuple[Any, ...]", bare)
        if shape.many and all(isinstance(block, StructMeta) for block in blocks):
            return Kind.BLOCKS, {_block_name(block): _fields(block) for block in blocks}, ()
    elif bare in _KINDS:
        return _KINDS[bare], (), ()
    elif isinstance(bare, type) and issubclass(bare, StrEnum):
        return Kind.ENUM, (), tuple(member.value for member in bare)
    elif isinstance(bare, StructMeta):
        return Kind.COMPONENT, _fields(cast("type[Struct]", bare)), ()
    raise TypeError(f"{place}: {bare!r} is no kind of field; maydan.content.declare lists what is")


def _block_name(block: type[Struct]) -> str:
    """Return the tag of a block's Struct, or its name in lower case."""
    tag = block.__struct_config__.tag
    return tag if isinstance(tag, str) else block.__name__.lower()
