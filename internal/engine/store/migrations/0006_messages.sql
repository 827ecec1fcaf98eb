-- +goose Up
-- Messages: outbox by channel, receivers, choices; product grants applied; access keys with a description; shops.

-- The outbox holds mails and SMS. What comes of a notice goes to one receiver through one channel once.
ALTER TABLE mail ADD COLUMN channel TEXT NOT NULL DEFAULT 'mail';
ALTER TABLE mail ADD COLUMN notice_id TEXT NOT NULL DEFAULT '';
ALTER TABLE mail ADD COLUMN receiver TEXT NOT NULL DEFAULT ''; -- person, message_receiver or company
CREATE UNIQUE INDEX mail_notice ON mail(notice_id, receiver, channel) WHERE notice_id <> '';
DROP INDEX mail_due;
CREATE INDEX mail_due ON mail(channel, next_at, id) WHERE state = 'queued';

ALTER TABLE notice ADD COLUMN product_id TEXT NOT NULL DEFAULT ''; -- of which product it speaks, '' of none

-- Who is told without being a member. spec: 20 A7
CREATE TABLE message_receiver (
    id                 TEXT PRIMARY KEY,
    company_id         TEXT NOT NULL REFERENCES company(id),
    name               TEXT NOT NULL,
    email              TEXT NOT NULL,
    mobile             TEXT NOT NULL,
    language           TEXT NOT NULL,
    email_verified_at  BIGINT NOT NULL,
    mobile_verified_at BIGINT NOT NULL,
    created_at         BIGINT NOT NULL
);
CREATE INDEX message_receiver_company ON message_receiver(company_id, id);
CREATE TABLE message_subscription (
    receiver_id TEXT NOT NULL REFERENCES message_receiver(id),
    kind        TEXT NOT NULL,
    channel     TEXT NOT NULL,
    PRIMARY KEY (receiver_id, kind, channel)
);
-- What a member chose, where it was asked for.
CREATE TABLE message_choice (
    person_id TEXT NOT NULL REFERENCES person(id),
    kind      TEXT NOT NULL,
    channel   TEXT NOT NULL,
    wanted    BOOLEAN NOT NULL,
    PRIMARY KEY (person_id, kind, channel)
);

CREATE INDEX company_kind ON company(kind, id);
-- Nothing is written to an address or number that nobody proved.
ALTER TABLE company ADD COLUMN email_verified_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE company ADD COLUMN mobile_verified_at BIGINT NOT NULL DEFAULT 0;
UPDATE company SET email_verified_at = created_at WHERE email <> ''
    AND EXISTS (SELECT 1 FROM member m JOIN person p ON p.id = m.person_id WHERE m.company_id = company.id AND p.email = company.email AND p.email_verified_at > 0);
ALTER TABLE person ADD COLUMN mobile_verified_at BIGINT NOT NULL DEFAULT 0;
-- A limited sub-user of a seller sees the products given to it and nothing of the others. spec: 20 A6
ALTER TABLE person ADD COLUMN limited BOOLEAN NOT NULL DEFAULT FALSE;

ALTER TABLE access_key ADD COLUMN description TEXT NOT NULL DEFAULT '';

-- A seller's shop. What is not said is taken from the company. spec: 20 A4
CREATE TABLE shop (
    seller_id     TEXT PRIMARY KEY REFERENCES company(id),
    name          TEXT NOT NULL,
    introduction  TEXT NOT NULL,
    logo_file     TEXT NOT NULL,
    contact_name  TEXT NOT NULL,
    phone         TEXT NOT NULL,
    email         TEXT NOT NULL,
    hours         TEXT NOT NULL,
    website       TEXT NOT NULL,
    version       BIGINT NOT NULL,
    updated_at    BIGINT NOT NULL
);

-- +goose Down
DROP TABLE shop;
ALTER TABLE access_key DROP COLUMN description;
ALTER TABLE person DROP COLUMN limited;
ALTER TABLE person DROP COLUMN mobile_verified_at;
DROP INDEX company_kind;
ALTER TABLE company DROP COLUMN mobile_verified_at;
ALTER TABLE company DROP COLUMN email_verified_at;
DROP TABLE message_choice;
DROP TABLE message_subscription;
DROP TABLE message_receiver;
ALTER TABLE notice DROP COLUMN product_id;
DROP INDEX mail_due;
DROP INDEX mail_notice;
ALTER TABLE mail DROP COLUMN receiver;
ALTER TABLE mail DROP COLUMN notice_id;
ALTER TABLE mail DROP COLUMN channel;
CREATE INDEX mail_due ON mail(next_at, id) WHERE state = 'queued';
