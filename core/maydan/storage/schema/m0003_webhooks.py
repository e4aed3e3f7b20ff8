"""Webhooks and what is to be delivered to them."""

from __future__ import annotations

from typing import Final

from maydan.storage.migrations import Migration, Step

_WEBHOOKS: Final = """
CREATE TABLE IF NOT EXISTS maydan_webhooks (
    id {uuid} PRIMARY KEY,
    space_key {bigint} NOT NULL,
    url {text} NOT NULL,
    events {json_text} NOT NULL,
    types {json_text},
    maker_id {uuid} NOT NULL,
    maker_scope {json_text},
    secret {text} NOT NULL,
    old_secret {text},
    old_secret_until {time},
    active {bool} NOT NULL,
    reason {text},
    from_position {bigint} NOT NULL,
    replay_position {bigint},
    replay_until {bigint},
    version {bigint} NOT NULL,
    created_at {time} NOT NULL,
    updated_at {time} NOT NULL
)
"""

_ENDPOINTS: Final = """
CREATE TABLE IF NOT EXISTS maydan_webhook_endpoints (
    webhook_id {uuid} PRIMARY KEY,
    lease_owner {text},
    lease_until_ms {bigint} NOT NULL DEFAULT 0,
    turn_ms {bigint} NOT NULL DEFAULT 0,
    failures {bigint} NOT NULL DEFAULT 0,
    failing_since {time},
    paused_until {time}
)
"""

_DELIVERIES: Final = """
CREATE TABLE IF NOT EXISTS maydan_deliveries (
    id {uuid} PRIMARY KEY,
    space_key {bigint} NOT NULL,
    webhook_id {uuid} NOT NULL,
    position {bigint} NOT NULL,
    type {text} NOT NULL,
    subject {text} NOT NULL,
    state {text} NOT NULL,
    tries {bigint} NOT NULL,
    due_at {time} NOT NULL,
    created_at {time} NOT NULL,
    tried_at {time},
    duration_ms {bigint},
    http_status {bigint},
    error {text}
)
"""

MIGRATION: Final = Migration(
    app="core",
    name="0003_webhooks",
    steps=(
        Step(name="maydan_webhooks", sql=_WEBHOOKS),
        Step(
            name="maydan_webhooks_by_space",
            sql="CREATE INDEX IF NOT EXISTS maydan_webhooks_by_space ON maydan_webhooks (space_key, id)",
        ),
        Step(name="maydan_webhook_endpoints", sql=_ENDPOINTS),
        Step(name="maydan_deliveries", sql=_DELIVERIES),
        Step(
            name="maydan_deliveries_once",
            sql="CREATE UNIQUE INDEX IF NOT EXISTS maydan_deliveries_once ON maydan_deliveries (webhook_id, position)",
        ),
        Step(
            name="maydan_deliveries_due",
            sql="CREATE INDEX IF NOT EXISTS maydan_deliveries_due"
            " ON maydan_deliveries (webhook_id, due_at, position) WHERE state = 'waiting'",
        ),
        Step(
            name="maydan_deliveries_in_order",
            sql="CREATE INDEX IF NOT EXISTS maydan_deliveries_in_order"
            " ON maydan_deliveries (webhook_id, subject, position) WHERE state = 'waiting'",
        ),
        Step(
            name="maydan_deliveries_oldest",
            sql="CREATE INDEX IF NOT EXISTS maydan_deliveries_oldest"
            " ON maydan_deliveries (created_at) WHERE state = 'waiting'",
        ),
        Step(
            name="maydan_deliveries_done",
            sql="CREATE INDEX IF NOT EXISTS maydan_deliveries_done"
            " ON maydan_deliveries (webhook_id, tried_at) WHERE state <> 'waiting'",
        ),
    ),
)
