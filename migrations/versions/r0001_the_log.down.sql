-- A log is never thrown away by a downgrade: what it holds exists nowhere else.
DO $$
BEGIN
    IF EXISTS (SELECT FROM plimsoll.events) OR EXISTS (SELECT FROM plimsoll.inbox) THEN
        RAISE EXCEPTION 'the log or the inbox is not empty: the downgrade would destroy it'
            USING ERRCODE = 'PL003', HINT = 'Keep this database, and start a new one instead.';
    END IF;
END $$;

DROP VIEW plimsoll.log;
DROP TABLE plimsoll.market_tape, plimsoll.live_marks, plimsoll.inbox, plimsoll.events;
DROP FUNCTION plimsoll.append_events(text[], bigint[], text[], bytea[], bigint[]);
DROP FUNCTION plimsoll.readable(bytea);
DROP FUNCTION plimsoll.hint_inbox();
DROP FUNCTION plimsoll.refuse_change();
DROP FUNCTION plimsoll.take_log_lock();
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'plimsoll_app') THEN
        REVOKE ALL ON SCHEMA plimsoll FROM plimsoll_app;
    END IF;
END $$;
