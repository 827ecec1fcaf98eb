-- +goose Up
-- People: registration, sessions, second factor, links in mails, invitations, and the chain of the audit log.

ALTER TABLE person ADD COLUMN language TEXT NOT NULL DEFAULT '';
ALTER TABLE person ADD COLUMN email_verified_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE person ADD COLUMN disabled_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE person ADD COLUMN password_changed_at BIGINT NOT NULL DEFAULT 0;
CREATE INDEX person_email ON person(email) WHERE email <> '';

ALTER TABLE access_token ADD COLUMN scope TEXT NOT NULL DEFAULT '';
ALTER TABLE access_token ADD COLUMN last_used_at BIGINT NOT NULL DEFAULT 0;
CREATE INDEX access_token_person ON access_token(person_id, id);

-- Sessions begun before have no id to be ended by: people sign in again.
DROP TABLE session;
CREATE TABLE session (
    id         TEXT PRIMARY KEY,
    hash       TEXT NOT NULL UNIQUE,
    person_id  TEXT NOT NULL REFERENCES person(id),
    company_id TEXT NOT NULL REFERENCES company(id),
    stage      TEXT NOT NULL, -- '' signed in, 'code' the second factor is asked for, 'enrol' it has to be set up first
    created_at BIGINT NOT NULL,
    seen_at    BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    address    TEXT NOT NULL,
    agent      TEXT NOT NULL
);
CREATE INDEX session_person ON session(person_id, id);

-- Each sign-in that a known person's name was used for.
CREATE TABLE sign_in (
    id        TEXT PRIMARY KEY,
    person_id TEXT NOT NULL REFERENCES person(id),
    at        BIGINT NOT NULL,
    address   TEXT NOT NULL,
    agent     TEXT NOT NULL,
    way       TEXT NOT NULL,
    outcome   TEXT NOT NULL
);
CREATE INDEX sign_in_person ON sign_in(person_id, id);

-- Attempts at what must not be guessed, by a hash of its name, known or not: both are counted alike.
CREATE TABLE guess (
    name         TEXT PRIMARY KEY,
    failures     BIGINT NOT NULL,
    locked_until BIGINT NOT NULL,
    touched_at   BIGINT NOT NULL
);

-- What a link in a mail proves. Deleted when it is used.
CREATE TABLE mail_link (
    hash       TEXT PRIMARY KEY,
    kind       TEXT NOT NULL, -- register, reset, invite
    subject    TEXT NOT NULL, -- registration, person or invitation; '' leads nowhere
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX mail_link_subject ON mail_link(kind, subject);
CREATE INDEX mail_link_expires ON mail_link(expires_at);

-- A registration becomes a company and its owner when the address is proved.
CREATE TABLE registration (
    id            TEXT PRIMARY KEY,
    kind          TEXT NOT NULL,
    company       TEXT NOT NULL,
    name          TEXT NOT NULL,
    email         TEXT NOT NULL,
    mobile        TEXT NOT NULL,
    language      TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    created_at    BIGINT NOT NULL,
    expires_at    BIGINT NOT NULL
);
CREATE INDEX registration_email ON registration(email, id);

CREATE TABLE invitation (
    id         TEXT PRIMARY KEY,
    company_id TEXT NOT NULL REFERENCES company(id),
    email      TEXT NOT NULL,
    roles      TEXT NOT NULL,
    invited_by TEXT NOT NULL,
    language   TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    UNIQUE (company_id, email)
);

-- Second factor by time. last_step is the newest step that was accepted: a code is good once.
CREATE TABLE totp (
    person_id    TEXT PRIMARY KEY REFERENCES person(id),
    sealed       TEXT NOT NULL,
    last_step    BIGINT NOT NULL,
    created_at   BIGINT NOT NULL,
    confirmed_at BIGINT NOT NULL
);
CREATE TABLE recovery_code (
    hash      TEXT PRIMARY KEY,
    person_id TEXT NOT NULL REFERENCES person(id),
    used_at   BIGINT NOT NULL
);
CREATE INDEX recovery_code_person ON recovery_code(person_id);

-- A seller's sub-user sees the products given to it. // spec: 20 A6
CREATE TABLE product_grant (
    product_id TEXT NOT NULL REFERENCES product(id),
    person_id  TEXT NOT NULL REFERENCES person(id),
    granted_by TEXT NOT NULL,
    granted_at BIGINT NOT NULL,
    PRIMARY KEY (product_id, person_id)
);
CREATE INDEX product_grant_person ON product_grant(person_id, product_id);

-- Mails to send. What they say is sealed: it holds links that open doors. // spec: 01 §10
CREATE TABLE mail (
    id          TEXT PRIMARY KEY,
    recipient   TEXT NOT NULL,
    subject     TEXT NOT NULL,
    sealed      TEXT NOT NULL,
    state       TEXT NOT NULL, -- queued, sent, failed
    tries       BIGINT NOT NULL,
    next_at     BIGINT NOT NULL,
    problem     TEXT NOT NULL,
    created_at  BIGINT NOT NULL,
    finished_at BIGINT NOT NULL
);
CREATE INDEX mail_due ON mail(next_at, id) WHERE state = 'queued';

-- The audit log is a chain: seq counts from 1 without gaps, hash covers the row and the hash before it.
-- Rows are written with seq 0 and chained a moment later by a sealer, so that no writer waits for another.
ALTER TABLE audit ADD COLUMN seq BIGINT NOT NULL DEFAULT 0;
ALTER TABLE audit ADD COLUMN previous TEXT NOT NULL DEFAULT '';
ALTER TABLE audit ADD COLUMN hash TEXT NOT NULL DEFAULT '';
CREATE UNIQUE INDEX audit_seq ON audit(seq) WHERE seq > 0;
CREATE INDEX audit_open ON audit(id) WHERE seq = 0;
CREATE INDEX audit_at ON audit(at, id);
CREATE INDEX audit_company ON audit(company, at, id);
CREATE INDEX audit_noun ON audit(noun_id, at, id);
CREATE TABLE audit_head (
    one    BIGINT PRIMARY KEY,
    seq    BIGINT NOT NULL,
    hash   TEXT NOT NULL,
    sealed TEXT NOT NULL,
    at     BIGINT NOT NULL
);
INSERT INTO audit_head (one, seq, hash, sealed, at) VALUES (1, 0, '', '', 0);

-- +goose Down
DROP TABLE audit_head;
DROP INDEX audit_noun;
DROP INDEX audit_company;
DROP INDEX audit_at;
DROP INDEX audit_open;
DROP INDEX audit_seq;
ALTER TABLE audit DROP COLUMN hash;
ALTER TABLE audit DROP COLUMN previous;
ALTER TABLE audit DROP COLUMN seq;
DROP TABLE mail;
DROP TABLE product_grant;
DROP TABLE recovery_code;
DROP TABLE totp;
DROP TABLE invitation;
DROP TABLE registration;
DROP TABLE mail_link;
DROP TABLE guess;
DROP TABLE sign_in;
DROP TABLE session;
CREATE TABLE session (
    hash       TEXT PRIMARY KEY,
    person_id  TEXT NOT NULL REFERENCES person(id),
    company_id TEXT NOT NULL REFERENCES company(id),
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
DROP INDEX access_token_person;
ALTER TABLE access_token DROP COLUMN last_used_at;
ALTER TABLE access_token DROP COLUMN scope;
DROP INDEX person_email;
ALTER TABLE person DROP COLUMN password_changed_at;
ALTER TABLE person DROP COLUMN disabled_at;
ALTER TABLE person DROP COLUMN email_verified_at;
ALTER TABLE person DROP COLUMN language;
