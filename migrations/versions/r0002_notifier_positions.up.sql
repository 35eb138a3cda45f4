-- One row a notifier. `position` is the last alert it sent or was not to send; the rest tells
-- an operator how it does. Its address is a secret and stands in the secrets file alone.
CREATE TABLE plimsoll.notifier_positions (
    name          text COLLATE "C" PRIMARY KEY,
    position      bigint NOT NULL,
    sent_at       timestamptz,
    failures      integer NOT NULL DEFAULT 0,
    failing_since timestamptz,
    trouble       text NOT NULL DEFAULT ''
);

-- Alerts are rare: the index is small, costs other events a comparison, and makes the search
-- for the next alert as short after a year as after a day.
CREATE INDEX events_alerts_idx ON plimsoll.events (notification_id)
    WHERE topic = 'trading_day.alert_raised.v1';

REVOKE ALL ON plimsoll.notifier_positions FROM PUBLIC;
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'plimsoll_app') THEN
        GRANT SELECT, INSERT, UPDATE, DELETE ON plimsoll.notifier_positions TO plimsoll_app;
    END IF;
END $$;
