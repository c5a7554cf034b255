"""Channels and dead letters to look at on the admin's pages, in every state that they have."""

from collections.abc import Iterator

from tests.e2e.gallery import LONG_AGO, View
from tests.live import Live

_LONG = "Ticket system " + "with-a-name-that-has-no-end-" * 3
_MAKE_CHANNELS = """
INSERT INTO channel (id, kind, name, events, sealed, shown, failures, last_sent_at, last_error, paused_at,
  paused_why)
SELECT gen_random_uuid(), kind, name, '["upload.clean"]', 'nothing', shown, failures, now(), error,
  CASE WHEN failures >= 20 THEN now() END, CASE WHEN failures >= 20 THEN 'It failed 20 times in a row.' END
FROM (VALUES
  ('webhook', %s, 'hooks.example.com/…path', 0, NULL),
  ('slack', 'Support in Slack', 'hooks.slack.com/…wXyZ', 3, 'It answered 503 (Service Unavailable).'),
  ('sns', 'Topic of the night shift', 'arn:aws:sns:eu-central-1:123456789012:bundles', 20, 'SNS refused it.'),
  ('teams', 'Teams', 'prod-01.westeurope.logic.azure.com/…sig1', 0, NULL),
  ('email', 'Shared mailbox', 'shared@example.com', 0, NULL)
) AS made (kind, name, shown, failures, error)
WHERE NOT EXISTS (SELECT 1 FROM channel WHERE channel.name = made.name)
"""
_MAKE_DELIVERIES = """
INSERT INTO delivery (id, event, channel_id, recipient, dedupe_key, sent_at, dead_at, overtaken, attempts,
  failures, last_error, next_at)
SELECT gen_random_uuid(), event, channel.id, name, md5(random()::text),
  CASE WHEN state = 'sent' THEN now() END, CASE WHEN state IN ('dead', 'overtaken') THEN now() END,
  state = 'overtaken', CASE WHEN state = 'sent' THEN 1 ELSE 0 END, made.failures,
  CASE WHEN made.failures > 0 THEN %s END, now() + interval '1 day'
FROM channel, (VALUES
  ('gate.opened', 'sent', 0), ('gate.closed', 'dead', 30), ('quota.near', 'overtaken', 1),
  ('queue.stuck', 'open', 4), ('channel.test', 'open', 0)
) AS made (event, state, failures)
WHERE NOT EXISTS (SELECT 1 FROM delivery WHERE channel_id = channel.id)
"""
_MAKE_MAILS = """
INSERT INTO delivery (id, event, recipient, dedupe_key, dead_at, failures, last_error)
SELECT gen_random_uuid(), event, 'night-shift@initech.example', md5(event || 'gallery'), now(), 30, 'Refused.'
FROM (VALUES ('gate.closed'), ('account.invited')) AS made (event)
ON CONFLICT DO NOTHING
"""


def channel_views(live: Live) -> Iterator[View]:
    """List every page about channels and deliveries, for somebody who may see it."""
    live.sql(_MAKE_CHANNELS, _LONG)
    live.sql(_MAKE_DELIVERIES, "hooks.example.com-" * 8 + " cannot be reached. ConnectionRefusedError(111)")
    live.sql(_MAKE_MAILS)
    yield View("channels", "admin", "/admin/channels")
    yield View("add a channel", "admin", "/admin/channels/new")
    kinds = dict(live.sql("SELECT kind, id FROM channel WHERE removed_at IS NULL"))
    for kind, channel_id in kinds.items():
        yield View(f"add a channel, {kind}", "admin", f"/admin/channels/new?kind={kind}")
        yield View(f"channel, {kind}", "admin", f"/admin/channels/{channel_id}?done=test")
    yield View("channel, end of its log", "admin", f"/admin/channels/{kinds['sns']}?cursor={LONG_AGO}")
    yield View("dead letters", "admin", "/admin/deliveries?done=retry")
    yield View("dead letters, nothing matches", "admin", "/admin/deliveries?recipient=there+is+none")
    yield View("dead letters, their end", "admin", f"/admin/deliveries?cursor={LONG_AGO}")
