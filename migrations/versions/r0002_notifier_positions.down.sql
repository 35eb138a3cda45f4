DROP INDEX plimsoll.events_alerts_idx;
DROP TABLE plimsoll.notifier_positions;
