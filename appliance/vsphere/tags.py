"""Which machines carry which tags, from vCenter's tagging service.

It knows tags by ids, and lists ids alone: categories and tags are looked at one by one, as many as there
are, but never machines: what is attached is asked for many tags at once, and each answer names all their
objects, however many. Source: vSphere Automation API reference, "Cis Tagging".
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from appliance.model.identifiers import ManagedObjectId
from appliance.model.policies import Tag
from appliance.vsphere.connection import VcenterConnection
from appliance.vsphere.errors import ObjectGoneError
from appliance.vsphere.rest import RestSession, rest_session

TAGS_PER_CALL = 50

_CATEGORY = ("cis", "tagging", "category")
_TAG = ("cis", "tagging", "tag")
_ASSOCIATION = ("cis", "tagging", "tag-association")
_MACHINE = "VirtualMachine"


@dataclass(frozen=True, slots=True)
class AttachedTags:
    """Of the tags that were asked for: those of each machine that has any, and those that nobody knows.

    A tag counts that hangs on the machine itself; one on its folder, host or cluster does not.
    """

    by_machine: Mapping[ManagedObjectId, frozenset[Tag]]
    unknown: frozenset[Tag]


@dataclass(frozen=True, slots=True)
class _Named:
    """A category or a tag, as far as it matters here."""

    name: str


@dataclass(frozen=True, slots=True)
class _Object:
    id: str
    type: str


@dataclass(frozen=True, slots=True)
class _TagToObjects:
    tag_id: str
    object_ids: tuple[_Object, ...]


def attached_tags(connection: VcenterConnection, wanted: Collection[Tag]) -> AttachedTags:
    """Which machines have these tags now; a tag that this account may not see is an unknown one.

    Raises:
        TagsUnreadableError: the tagging service does not answer.
        VcenterError: vCenter refused, is away, or presents another certificate.
    """
    if not wanted:
        return AttachedTags({}, frozenset())
    with rest_session(connection) as session:
        tags = dict(_iter_known(session, frozenset(wanted)))
        attached = list(_iter_attached(session, sorted(tags)))
    told = {tags[each.tag_id] for each in attached if each.tag_id in tags}
    return AttachedTags(_by_machine(tags, attached), frozenset(wanted) - told)


def _iter_known(session: RestSession, wanted: frozenset[Tag]) -> Iterator[tuple[str, Tag]]:
    """Yield those of the wanted tags that vCenter has, each with its id."""
    categories = {tag.category for tag in wanted}
    for category_id, category in _iter_named(session, _CATEGORY, session.read(list[str], *_CATEGORY)):
        if category not in categories:
            continue
        for tag_id, name in _iter_named(session, _TAG, _ids_in_category(session, category_id)):
            tag = Tag(category, name)
            if tag in wanted:
                yield tag_id, tag


def _by_machine(
    tags: Mapping[str, Tag], attached: Iterable[_TagToObjects]
) -> dict[ManagedObjectId, frozenset[Tag]]:
    found: dict[ManagedObjectId, set[Tag]] = {}
    for each in attached:
        for target in each.object_ids:
            if target.type == _MACHINE and each.tag_id in tags:
                found.setdefault(ManagedObjectId(target.id), set()).add(tags[each.tag_id])
    return {moref: frozenset(of_machine) for moref, of_machine in found.items()}


def _ids_in_category(session: RestSession, category_id: str) -> list[str]:
    body = {"category_id": category_id}
    try:
        return session.ask(list[str], *_TAG, action="list-tags-for-category", body=body)
    except ObjectGoneError:
        return []  # deleted since the categories were listed


def _iter_named(
    session: RestSession, kind: tuple[str, ...], ids: Collection[str]
) -> Iterator[tuple[str, str]]:
    """Yield the id and the name of each; what was deleted since it was listed is left out."""
    for each in ids:
        try:
            yield each, session.read(_Named, *kind, each).name
        except ObjectGoneError:
            continue


def _iter_attached(session: RestSession, tag_ids: list[str]) -> Iterator[_TagToObjects]:
    for start in range(0, len(tag_ids), TAGS_PER_CALL):
        body = {"tag_ids": tag_ids[start : start + TAGS_PER_CALL]}
        yield from session.ask(
            list[_TagToObjects], *_ASSOCIATION, action="list-attached-objects-on-tags", body=body
        )
