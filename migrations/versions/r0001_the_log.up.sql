-- The log. Its columns are those the eventsourcing library reads; only append_events writes.
-- COLLATE "C": names compare byte by byte, on every machine alike.
CREATE TABLE plimsoll.events (
    originator_id      text COLLATE "C" NOT NULL,
    originator_version bigint NOT NULL CHECK (originator_version > 0),
    topic              text COLLATE "C" NOT NULL,
    state              bytea NOT NULL,
    notification_id    bigint GENERATED ALWAYS AS IDENTITY,
    PRIMARY KEY (originator_id, originator_version)
);
CREATE UNIQUE INDEX events_notification_id_idx ON plimsoll.events (notification_id);
-- One account in commit order: its chain, and what came after a position.
CREATE INDEX events_account_idx
    ON plimsoll.events (split_part(originator_id, ':', 2), notification_id);

-- What web stored before it answered 202, until the engine has recorded it.
CREATE TABLE plimsoll.inbox (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account     text COLLATE "C" NOT NULL,
    kind        text COLLATE "C" NOT NULL,
    payload     bytea NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now()
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
CREATE INDEX inbox_account_idx ON plimsoll.inbox (account, id);

-- Prices for the dashboard, at most a second old; worthless after a crash, hence unlogged.
CREATE UNLOGGED TABLE plimsoll.live_marks (
    account text COLLATE "C" NOT NULL,
    symbol  text COLLATE "C" NOT NULL,
    price   numeric NOT NULL,
    at      timestamptz NOT NULL,
    PRIMARY KEY (account, symbol)
) WITH (fillfactor = 50);

-- The market as it passed, a row per symbol and minute, for charts and what-if.
CREATE TABLE plimsoll.market_tape (
    account text COLLATE "C" NOT NULL,
    symbol  text COLLATE "C" NOT NULL,
    minute  timestamptz NOT NULL,
    open    numeric NOT NULL,
    high    numeric NOT NULL,
    low     numeric NOT NULL,
    close   numeric NOT NULL,
    PRIMARY KEY (account, symbol, minute)
);

-- Whoever inserts, by whatever way, first takes the lock that append_events takes: so that
-- notification ids are given out in commit order and a reader that tails them misses nothing.
CREATE FUNCTION plimsoll.take_log_lock() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(7001001);
    RETURN NULL;
END $$;
CREATE TRIGGER in_commit_order BEFORE INSERT ON plimsoll.events
    FOR EACH STATEMENT EXECUTE FUNCTION plimsoll.take_log_lock();

CREATE FUNCTION plimsoll.refuse_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'the log is append-only: % on %.% was refused',
        TG_OP, TG_TABLE_SCHEMA, TG_TABLE_NAME
        USING ERRCODE = 'PL002', HINT = 'Record a new event that corrects the old one.';
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON plimsoll.events
    FOR EACH STATEMENT EXECUTE FUNCTION plimsoll.refuse_change();

-- The one way into the log: the events, and the inbox rows they answer, or nothing.
CREATE FUNCTION plimsoll.append_events(
    streams text[], versions bigint[], topics text[], states bytea[], inbox_ids bigint[]
) RETURNS SETOF bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    removed bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(7001001);

    DELETE FROM plimsoll.inbox WHERE id = ANY (inbox_ids);
    GET DIAGNOSTICS removed = ROW_COUNT;
    IF removed <> cardinality(inbox_ids) THEN
        RAISE EXCEPTION 'of % inbox rows only % were still there', cardinality(inbox_ids), removed
            USING ERRCODE = 'PL001', HINT = 'Another writer handled them: load again.';
    END IF;

    RETURN QUERY
        INSERT INTO plimsoll.events (originator_id, originator_version, topic, state)
        SELECT stream, version, name, content
        FROM unnest(streams, versions, topics, states)
            WITH ORDINALITY AS batch (stream, version, name, content, place)
        ORDER BY place
        RETURNING notification_id;

    PERFORM pg_notify('plimsoll_log', '');
END $$;

CREATE FUNCTION plimsoll.hint_inbox() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM pg_notify('plimsoll_inbox', '');
    RETURN NULL;
END $$;
CREATE TRIGGER hint AFTER INSERT ON plimsoll.inbox
    FOR EACH STATEMENT EXECUTE FUNCTION plimsoll.hint_inbox();

-- The log for human eyes. What jsonb cannot hold is shown escaped rather than failing the view.
CREATE FUNCTION plimsoll.readable(state bytea) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN convert_from(state, 'UTF8')::jsonb;
EXCEPTION WHEN data_exception THEN
    RETURN jsonb_build_object('unreadable', encode(state, 'escape'));
END $$;
CREATE VIEW plimsoll.log AS
    SELECT e.notification_id AS position,
           split_part(e.originator_id, ':', 2) AS account,
           doc ->> 'at' AS at,
           e.topic AS name,
           e.originator_id AS stream,
           e.originator_version AS version,
           doc -> 'event' AS event,
           doc ->> 'causation' AS causation,
           doc ->> 'correlation' AS correlation,
           doc ->> 'digest' AS digest,
           doc ->> 'unreadable' AS unreadable
    FROM plimsoll.events AS e CROSS JOIN LATERAL plimsoll.readable(e.state) AS doc;

-- The application works as a role that can append and read, and nothing else. Roles belong to
-- the whole server: another database may have made it already, or we may not be allowed to.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'plimsoll_app') THEN
        CREATE ROLE plimsoll_app NOLOGIN;
    END IF;
    IF NOT pg_has_role(current_user, 'plimsoll_app', 'MEMBER') THEN
        EXECUTE format('GRANT plimsoll_app TO %I', current_user);
    END IF;
EXCEPTION
    WHEN duplicate_object OR unique_violation THEN
        NULL;
    WHEN insufficient_privilege THEN
        RAISE NOTICE 'role plimsoll_app could not be created or joined: the application works as %',
            current_user;
END $$;

REVOKE ALL ON ALL TABLES IN SCHEMA plimsoll FROM PUBLIC;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA plimsoll FROM PUBLIC;
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'plimsoll_app') THEN
        GRANT USAGE ON SCHEMA plimsoll TO plimsoll_app;
        GRANT SELECT ON ALL TABLES IN SCHEMA plimsoll TO plimsoll_app;
        GRANT INSERT ON plimsoll.inbox TO plimsoll_app;
        GRANT INSERT, UPDATE, DELETE ON plimsoll.live_marks, plimsoll.market_tape TO plimsoll_app;
        GRANT EXECUTE ON FUNCTION
            plimsoll.append_events(text[], bigint[], text[], bytea[], bigint[]),
            plimsoll.readable(bytea) TO plimsoll_app;
    END IF;
END $$;
