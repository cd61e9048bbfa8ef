-- +goose Up

-- One SQL text for SQLite and PostgreSQL: TEXT, BIGINT, BOOLEAN, BYTEA alone. Times are seconds since the epoch, 0 is never.
-- The first column of each primary key is the one by which a sharded PostgreSQL distributes the table: no sequence, trigger,
-- expression index or foreign key stands against it.

CREATE TABLE account (
    oid               BIGINT  NOT NULL,
    status            TEXT    NOT NULL CONSTRAINT account_status CHECK (status IN ('active', 'locked', 'closed')),
    tier              TEXT    NOT NULL CONSTRAINT account_tier CHECK (tier IN ('simplified', 'standard', 'confirmed')),
    tier_at           BIGINT  NOT NULL,
    tier_method       TEXT    NOT NULL CONSTRAINT account_tier_method CHECK (tier_method IN ('', 'centre', 'letter', 'bank', 'signature')),
    last_name         TEXT    NOT NULL,
    first_name        TEXT    NOT NULL,
    middle_name       TEXT    NOT NULL,
    birth_date        TEXT    NOT NULL,
    birth_place       TEXT    NOT NULL,
    gender            TEXT    NOT NULL CONSTRAINT account_gender CHECK (gender IN ('', 'M', 'F')),
    citizenship       TEXT    NOT NULL,
    snils             TEXT    NOT NULL,
    inn               TEXT    NOT NULL,
    phone             TEXT    NOT NULL,
    phone_verified_at BIGINT  NOT NULL,
    email             TEXT    NOT NULL,
    email_verified_at BIGINT  NOT NULL,
    language          TEXT    NOT NULL CONSTRAINT account_language CHECK (language IN ('ru', 'en')),
    password_hash     TEXT    NOT NULL,
    password_at       BIGINT  NOT NULL,
    second_factor     TEXT    NOT NULL CONSTRAINT account_second_factor CHECK (second_factor IN ('none', 'sms', 'totp')),
    new_device_code   BOOLEAN NOT NULL,
    totp_secret       BYTEA   NOT NULL,
    totp_step         BIGINT  NOT NULL,
    terms_version     TEXT    NOT NULL,
    terms_at          BIGINT  NOT NULL,
    recovered_at      BIGINT  NOT NULL,
    epoch             BIGINT  NOT NULL,
    created_at        BIGINT  NOT NULL,
    updated_at        BIGINT  NOT NULL,
    version           BIGINT  NOT NULL,
    CONSTRAINT account_pk PRIMARY KEY (oid)
);

-- Which account a phone, an e-mail or a SNILS leads to. Keyed by value, so that it is unique on every shard.
CREATE TABLE identifier (
    value      TEXT   NOT NULL,
    kind       TEXT   NOT NULL CONSTRAINT identifier_kind CHECK (kind IN ('phone', 'email', 'snils')),
    oid        BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    CONSTRAINT identifier_pk PRIMARY KEY (value, kind)
);

CREATE TABLE document (
    oid        BIGINT  NOT NULL,
    kind       TEXT    NOT NULL,
    series     TEXT    NOT NULL,
    number     TEXT    NOT NULL,
    issued_on  TEXT    NOT NULL,
    issued_by  TEXT    NOT NULL,
    issue_id   TEXT    NOT NULL,
    expires_on TEXT    NOT NULL,
    verified   BOOLEAN NOT NULL,
    CONSTRAINT document_pk PRIMARY KEY (oid, kind)
);

-- A browser from which the account signed in before: its failures are counted apart from those of strangers.
CREATE TABLE device (
    oid         BIGINT NOT NULL,
    device_hash BYTEA  NOT NULL,
    agent       TEXT   NOT NULL,
    created_at  BIGINT NOT NULL,
    seen_at     BIGINT NOT NULL,
    CONSTRAINT device_pk PRIMARY KEY (oid, device_hash)
);
CREATE INDEX device_seen ON device (seen_at);

CREATE TABLE session (
    oid          BIGINT  NOT NULL,
    id           TEXT    NOT NULL,
    secret_hash  BYTEA   NOT NULL,
    device_hash  BYTEA   NOT NULL,
    auth_time    BIGINT  NOT NULL,
    methods      TEXT    NOT NULL,
    tier         TEXT    NOT NULL CONSTRAINT session_tier CHECK (tier IN ('simplified', 'standard', 'confirmed')),
    tier_at      BIGINT  NOT NULL,
    tier_method  TEXT    NOT NULL,
    recovered_at BIGINT  NOT NULL,
    created_at   BIGINT  NOT NULL,
    seen_at      BIGINT  NOT NULL,
    ends_at      BIGINT  NOT NULL,
    agent        TEXT    NOT NULL,
    public       BOOLEAN NOT NULL,
    CONSTRAINT session_pk PRIMARY KEY (oid, id)
);
CREATE INDEX session_ends ON session (ends_at);

CREATE TABLE auth_request (
    id             TEXT    NOT NULL,
    device_hash    BYTEA   NOT NULL,
    face           TEXT    NOT NULL CONSTRAINT auth_request_face CHECK (face IN ('oidc', 'esia', 'cabinet')),
    client_id      TEXT    NOT NULL,
    return_to      TEXT    NOT NULL,
    redirect_uri   TEXT    NOT NULL,
    response_mode  TEXT    NOT NULL,
    state          TEXT    NOT NULL,
    nonce          TEXT    NOT NULL,
    scopes         TEXT    NOT NULL,
    claims         TEXT    NOT NULL,
    code_challenge TEXT    NOT NULL,
    acrs           TEXT    NOT NULL,
    acr_essential  BOOLEAN NOT NULL,
    minimum_tier   TEXT    NOT NULL,
    prompts        TEXT    NOT NULL,
    max_age        BIGINT  NOT NULL,
    login_hint     TEXT    NOT NULL,
    hint_oid       BIGINT  NOT NULL,
    resource       TEXT    NOT NULL,
    language       TEXT    NOT NULL,
    created_at     BIGINT  NOT NULL,
    expires_at     BIGINT  NOT NULL,
    oid            BIGINT  NOT NULL,
    password_at    BIGINT  NOT NULL,
    method         TEXT    NOT NULL,
    second_at      BIGINT  NOT NULL,
    email_at       BIGINT  NOT NULL,
    session_id     TEXT    NOT NULL,
    chosen_at      BIGINT  NOT NULL,
    consented_at   BIGINT  NOT NULL,
    public         BOOLEAN NOT NULL,
    granted_at     BIGINT  NOT NULL,
    refused_at     BIGINT  NOT NULL,
    CONSTRAINT auth_request_pk PRIMARY KEY (id)
);
CREATE INDEX auth_request_expires ON auth_request (expires_at);

-- A registration in progress, until the password is set.
CREATE TABLE registration (
    id            TEXT   NOT NULL,
    device_hash   BYTEA  NOT NULL,
    request_id    TEXT   NOT NULL,
    last_name     TEXT   NOT NULL,
    first_name    TEXT   NOT NULL,
    middle_name   TEXT   NOT NULL,
    phone         TEXT   NOT NULL,
    email         TEXT   NOT NULL,
    language      TEXT   NOT NULL,
    terms_version TEXT   NOT NULL,
    terms_at      BIGINT NOT NULL,
    proved_at     BIGINT NOT NULL,
    done_oid      BIGINT NOT NULL,
    created_at    BIGINT NOT NULL,
    expires_at    BIGINT NOT NULL,
    CONSTRAINT registration_pk PRIMARY KEY (id)
);
CREATE INDEX registration_expires ON registration (expires_at);

-- The newest one-time code of a flow and purpose: a new one replaces the former.
CREATE TABLE one_time_code (
    flow       TEXT   NOT NULL,
    purpose    TEXT   NOT NULL,
    mac        BYTEA  NOT NULL,
    former_mac BYTEA  NOT NULL,
    contact    TEXT   NOT NULL,
    tries      BIGINT NOT NULL,
    sent_at    BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    CONSTRAINT one_time_code_pk PRIMARY KEY (flow, purpose)
);
CREATE INDEX one_time_code_expires ON one_time_code (expires_at);

-- A link in an e-mail: taken once.
CREATE TABLE link (
    hash       BYTEA  NOT NULL,
    purpose    TEXT   NOT NULL,
    flow       TEXT   NOT NULL,
    contact    TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    used_at    BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    CONSTRAINT link_pk PRIMARY KEY (hash)
);
CREATE INDEX link_expires ON link (expires_at);
CREATE INDEX link_flow ON link (flow);

-- Counters of tries: begun with the first, forgotten at expires_at; until is the end of a pause.
CREATE TABLE attempt (
    key        TEXT   NOT NULL,
    count      BIGINT NOT NULL,
    until      BIGINT NOT NULL,
    started_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    CONSTRAINT attempt_pk PRIMARY KEY (key)
);
CREATE INDEX attempt_expires ON attempt (expires_at);

CREATE TABLE client (
    id         TEXT    NOT NULL,
    body       TEXT    NOT NULL,
    secret_hash BYTEA  NOT NULL,
    disabled   BOOLEAN NOT NULL,
    version    BIGINT  NOT NULL,
    created_at BIGINT  NOT NULL,
    updated_at BIGINT  NOT NULL,
    CONSTRAINT client_pk PRIMARY KEY (id)
);

CREATE TABLE consent (
    oid        BIGINT  NOT NULL,
    client_id  TEXT    NOT NULL,
    attributes TEXT    NOT NULL,
    offline    BOOLEAN NOT NULL,
    purposes   TEXT    NOT NULL,
    granted_at BIGINT  NOT NULL,
    expires_at BIGINT  NOT NULL,
    CONSTRAINT consent_pk PRIMARY KEY (oid, client_id)
);

-- An authorization code and the tokens that come from it: one row from the code to the last refresh token.
CREATE TABLE token_family (
    oid             BIGINT  NOT NULL,
    id              TEXT    NOT NULL,
    client_id       TEXT    NOT NULL,
    face            TEXT    NOT NULL,
    session_id      TEXT    NOT NULL,
    redirect_uri    TEXT    NOT NULL,
    code_hash       BYTEA   NOT NULL,
    code_challenge  TEXT    NOT NULL,
    code_expires_at BIGINT  NOT NULL,
    redeemed_at     BIGINT  NOT NULL,
    scopes          TEXT    NOT NULL,
    attributes      TEXT    NOT NULL,
    claims          TEXT    NOT NULL,
    resource        TEXT    NOT NULL,
    nonce           TEXT    NOT NULL,
    acrs            TEXT    NOT NULL,
    auth_time       BIGINT  NOT NULL,
    methods         TEXT    NOT NULL,
    tier            TEXT    NOT NULL,
    tier_at         BIGINT  NOT NULL,
    tier_method     TEXT    NOT NULL,
    recovered_at    BIGINT  NOT NULL,
    epoch           BIGINT  NOT NULL,
    offline         BOOLEAN NOT NULL,
    refresh_hash    BYTEA   NOT NULL,
    generation      BIGINT  NOT NULL,
    rotated_at      BIGINT  NOT NULL,
    created_at      BIGINT  NOT NULL,
    expires_at      BIGINT  NOT NULL,
    ended_at        BIGINT  NOT NULL,
    CONSTRAINT token_family_pk PRIMARY KEY (oid, id)
);
CREATE INDEX token_family_session ON token_family (oid, session_id);
CREATE INDEX token_family_client ON token_family (oid, client_id);
CREATE INDEX token_family_expires ON token_family (expires_at);

-- Opaque access tokens, and revoked JWTs of client_credentials (family is empty there).
CREATE TABLE access_token (
    hash       BYTEA   NOT NULL,
    oid        BIGINT  NOT NULL,
    family     TEXT    NOT NULL,
    client_id  TEXT    NOT NULL,
    scopes     TEXT    NOT NULL,
    audience   TEXT    NOT NULL,
    issued_at  BIGINT  NOT NULL,
    expires_at BIGINT  NOT NULL,
    revoked    BOOLEAN NOT NULL,
    CONSTRAINT access_token_pk PRIMARY KEY (hash)
);
CREATE INDEX access_token_expires ON access_token (expires_at);

-- Client assertions that were used: each jti once.
CREATE TABLE assertion (
    hash       BYTEA  NOT NULL,
    expires_at BIGINT NOT NULL,
    CONSTRAINT assertion_pk PRIMARY KEY (hash)
);
CREATE INDEX assertion_expires ON assertion (expires_at);

CREATE TABLE signing_key (
    id         TEXT   NOT NULL,
    alg        TEXT   NOT NULL,
    sealed     BYTEA  NOT NULL,
    public     TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    use_from   BIGINT NOT NULL,
    use_until  BIGINT NOT NULL,
    retire_at  BIGINT NOT NULL,
    CONSTRAINT signing_key_pk PRIMARY KEY (id)
);

-- Numbers that grow with each change of a table that every process keeps in memory (clients, keys); polled twice a second.
CREATE TABLE revision (
    name TEXT   NOT NULL,
    n    BIGINT NOT NULL,
    CONSTRAINT revision_pk PRIMARY KEY (name)
);

-- Work to be done after the transaction that asked for it. bucket is the shard key.
CREATE TABLE job (
    bucket      BIGINT NOT NULL,
    id          TEXT   NOT NULL,
    kind        TEXT   NOT NULL,
    args        BYTEA  NOT NULL,
    run_at      BIGINT NOT NULL,
    lease_until BIGINT NOT NULL,
    attempts    BIGINT NOT NULL,
    created_at  BIGINT NOT NULL,
    CONSTRAINT job_pk PRIMARY KEY (bucket, id)
);
CREATE INDEX job_due ON job (bucket, run_at);

CREATE TABLE event (
    oid        BIGINT NOT NULL,
    id         TEXT   NOT NULL,
    at         BIGINT NOT NULL,
    what       TEXT   NOT NULL,
    client_id  TEXT   NOT NULL,
    session_id TEXT   NOT NULL,
    agent      TEXT   NOT NULL,
    details    TEXT   NOT NULL,
    CONSTRAINT event_pk PRIMARY KEY (oid, id)
);
