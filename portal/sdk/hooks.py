"""The hooks a plugin may implement, one protocol for all: keyword arguments in, an iterable out.

A plugin is a module named by an entry point of the group ``portal.plugins``; its hook functions carry
``@portal.sdk.hook``. A hook takes those of its arguments that it needs, by their names, and never changes them.

- ``register_…`` is asked once, when a process of the portal first needs plugins.
- ``decide_…`` is asked for a page of records at once, inside the portal's transaction: the first answer to a
  record counts, and none means that the portal decides. It makes no calls and has :data:`DECISION_SECONDS`.
- ``on_…`` is told in a job, after what it is about was committed: at least once, and again later when it raises.

Each plugin is called alone: what one raises, answers wrongly, or how long it takes is recorded against its name,
and the others go on.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pluggy

from portal.sdk.connector import Connector
from portal.sdk.contributions import Permission, PluginJob, PluginSettings, Retention, Topic, Transform
from portal.sdk.decisions import Match, Offer, Route, Unmatched
from portal.sdk.happenings import CaseOpened, OperationDone, RecordApplied, WebhookHeard
from portal.sdk.records import Record, StockLevel
from portal.sdk.subjects import ConnectionInfo, FlowInfo
from portal.sdk.surfaces import PluginUrl, RecordAction, RecordPanel, Tile

PROJECT = "portal"
hookspec = pluggy.HookspecMarker(PROJECT)
hook = pluggy.HookimplMarker(PROJECT)

DECISION_SECONDS = 10.0
"""How long one plugin may take over one page of a ``decide_…`` question before it is ended."""


@hookspec
def register_connectors() -> Iterable[type[Connector]]:  # type: ignore[empty-body]
    """The connector classes this plugin brings.

    .. versionadded:: 0.1
    """


@hookspec
def register_jobs() -> Iterable[PluginJob]:  # type: ignore[empty-body]
    """Jobs beside those that the portal derives from the connectors' capabilities.

    .. versionadded:: 0.1
    """


@hookspec
def register_topics() -> Iterable[Topic]:  # type: ignore[empty-body]
    """Webhook topics to subscribe to beside those that connectors ask for themselves.

    .. versionadded:: 0.1
    """


@hookspec
def register_transforms() -> Iterable[Transform]:  # type: ignore[empty-body]
    """Named pure functions that turn one value into another.

    .. versionadded:: 0.1
    """


@hookspec
def register_settings() -> Iterable[type[PluginSettings]]:  # type: ignore[empty-body]
    """The class of this plugin's settings, from which its form is made. At most one.

    .. versionadded:: 0.1
    """


@hookspec
def register_permissions() -> Iterable[Permission]:  # type: ignore[empty-body]
    """Rights of the plugin's own, for its panels, actions, tiles and pages.

    .. versionadded:: 0.1
    """


@hookspec
def register_panels() -> Iterable[RecordPanel]:  # type: ignore[empty-body]
    """Boxes on the pages of records.

    .. versionadded:: 0.1
    """


@hookspec
def register_actions() -> Iterable[RecordAction]:  # type: ignore[empty-body]
    """Buttons on the pages of records.

    .. versionadded:: 0.1
    """


@hookspec
def register_tiles() -> Iterable[Tile]:  # type: ignore[empty-body]
    """Boxes on the dashboard.

    .. versionadded:: 0.1
    """


@hookspec
def register_urls() -> Iterable[PluginUrl]:  # type: ignore[empty-body]
    """Pages of the plugin's own under ``/plugins/<plugin>/``, for staff unless declared public.

    .. versionadded:: 0.1
    """


@hookspec
def register_retention() -> Iterable[Retention]:  # type: ignore[empty-body]
    """How long the plugin's own rows are kept, and how those older are removed.

    .. versionadded:: 0.1
    """


@hookspec
def decide_route(flow: FlowInfo, records: Sequence[Record]) -> Iterable[Route]:  # type: ignore[empty-body]
    """Whether these new or changed orders, refunds or shipments go along this flow, or are left out or held.

    Asked only for records of which nothing was sent to the flow's target yet: what it has once seen, it follows.
    An answer that is no ``Send``, ``LeaveOut`` or ``Hold``, or names a record that was not asked for, does not
    count.

    .. versionadded:: 0.1
    """


@hookspec
def decide_availability(flow: FlowInfo, levels: Sequence[StockLevel]) -> Iterable[Offer]:  # type: ignore[empty-body]
    """How many pieces the flow's target shows of these products, each at one location.

    ``available`` of a level is the portal's own figure, in pieces: what the source has, what is in flight, less
    the flow's buffer; ``expected`` is what the target is believed to show now. An answer that is no ``Offer``,
    below 0 or above the portal's figure does not count.

    .. versionadded:: 0.1
    """


@hookspec
def decide_match(  # type: ignore[empty-body]
    connection: ConnectionInfo, kind: str, unmatched: Sequence[Unmatched]
) -> Iterable[Match]:
    """Which of our products (``kind`` is ``"product"``) or locations (``"location"``) these of a connection are.

    Asked only for what is not tied by an equal SKU or code. An answer that is no ``Match``, or names a key of
    ours that is not there or is tied to another already, does not count.

    .. versionadded:: 0.1
    """


@hookspec
def on_record_applied(event: RecordApplied) -> Iterable[str] | None:
    """An order, a refund or a shipment came in, or changed. What is returned are lines for its timeline.

    .. versionadded:: 0.1
    """


@hookspec
def on_operation_done(event: OperationDone) -> Iterable[str] | None:
    """A remote system has what was intended for a record. What is returned are lines for the record's timeline.

    .. versionadded:: 0.1
    """


@hookspec
def on_case_opened(event: CaseOpened) -> Iterable[str] | None:
    """Something needs a person. What is returned are lines for the case's timeline.

    .. versionadded:: 0.1
    """


@hookspec
def on_webhook(event: WebhookHeard) -> Iterable[str] | None:
    """A webhook of a topic that this plugin asked for. What is returned stands in the log.

    .. versionadded:: 0.1
    """
