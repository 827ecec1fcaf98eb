-- +goose Up
-- Types: BIGINT, TEXT, BOOLEAN, BYTEA. Instants are microseconds since 1970 UTC, 0 is "none";
-- money is minor units. One text for both engines.

CREATE TABLE setting (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

CREATE TABLE company (
    id           TEXT PRIMARY KEY,
    kind         TEXT NOT NULL,
    name         TEXT NOT NULL,
    buyer_level  TEXT NOT NULL,
    retry_policy TEXT NOT NULL,
    email        TEXT NOT NULL,
    mobile       TEXT NOT NULL,
    created_at   BIGINT NOT NULL
);

CREATE TABLE person (
    id            TEXT PRIMARY KEY,
    login         TEXT NOT NULL UNIQUE,
    name          TEXT NOT NULL,
    email         TEXT NOT NULL,
    mobile        TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    failures      BIGINT NOT NULL,
    locked_until  BIGINT NOT NULL,
    created_at    BIGINT NOT NULL
);

CREATE TABLE member (
    company_id TEXT NOT NULL REFERENCES company(id),
    person_id  TEXT NOT NULL REFERENCES person(id),
    role       TEXT NOT NULL,
    PRIMARY KEY (company_id, person_id, role)
);
CREATE INDEX member_person ON member(person_id);

CREATE TABLE access_token (
    id         TEXT PRIMARY KEY,
    person_id  TEXT NOT NULL REFERENCES person(id),
    company_id TEXT NOT NULL REFERENCES company(id),
    name       TEXT NOT NULL,
    hash       TEXT NOT NULL UNIQUE,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    revoked_at BIGINT NOT NULL
);

CREATE TABLE session (
    hash       TEXT PRIMARY KEY,
    person_id  TEXT NOT NULL REFERENCES person(id),
    company_id TEXT NOT NULL REFERENCES company(id),
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);

-- The seller's secrets per interface class; the newest version signs, older ones
-- are still accepted in answers until they are retired.
CREATE TABLE interconnection_key (
    seller_id  TEXT NOT NULL REFERENCES company(id),
    class      TEXT NOT NULL,
    version    BIGINT NOT NULL,
    sealed     TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    retired_at BIGINT NOT NULL,
    PRIMARY KEY (seller_id, class, version)
);

CREATE TABLE access_key (
    ak           TEXT PRIMARY KEY,
    seller_id    TEXT NOT NULL REFERENCES company(id),
    person_id    TEXT NOT NULL,
    sealed_sk    TEXT NOT NULL,
    disabled     BOOLEAN NOT NULL,
    failures     BIGINT NOT NULL,
    locked_until BIGINT NOT NULL,
    created_at   BIGINT NOT NULL,
    last_used_at BIGINT NOT NULL
);

-- One address per interface class of a seller, or of one product ('' = all others).
CREATE TABLE production_address (
    seller_id  TEXT NOT NULL REFERENCES company(id),
    class      TEXT NOT NULL,
    product_id TEXT NOT NULL,
    url        TEXT NOT NULL,
    verified   BOOLEAN NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (seller_id, class, product_id)
);

CREATE TABLE product (
    id         TEXT PRIMARY KEY,
    seller_id  TEXT NOT NULL REFERENCES company(id),
    name       TEXT NOT NULL,
    summary    TEXT NOT NULL,
    protocol   TEXT NOT NULL,
    state      TEXT NOT NULL,
    reason     TEXT NOT NULL,
    settings   TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX product_seller ON product(seller_id, id);

CREATE TABLE sku (
    code       TEXT PRIMARY KEY,
    product_id TEXT NOT NULL REFERENCES product(id),
    name       TEXT NOT NULL,
    attributes TEXT NOT NULL,
    position   BIGINT NOT NULL
);
CREATE INDEX sku_product ON sku(product_id, position);

-- A SKU for one term at a price. Its id is the productId of the wire.
CREATE TABLE sku_offer (
    id          TEXT PRIMARY KEY,
    sku_code    TEXT NOT NULL REFERENCES sku(code),
    period_type TEXT NOT NULL,
    price       TEXT NOT NULL,
    currency    TEXT NOT NULL,
    withdrawn   BOOLEAN NOT NULL
);
CREATE INDEX sku_offer_sku ON sku_offer(sku_code);

CREATE TABLE orders (
    id                TEXT PRIMARY KEY,
    type              TEXT NOT NULL,
    status            TEXT NOT NULL,
    buyer_id          TEXT NOT NULL,
    placed_by         TEXT NOT NULL,
    seller_id         TEXT NOT NULL,
    product_id        TEXT NOT NULL,
    currency          TEXT NOT NULL,
    amount_list       BIGINT NOT NULL,
    amount_deal       BIGINT NOT NULL,
    amount_coupon     BIGINT NOT NULL,
    amount_paid       BIGINT NOT NULL,
    source            TEXT NOT NULL,
    origin_order_id   TEXT NOT NULL,
    origin_line_id    TEXT NOT NULL,
    reason            TEXT NOT NULL,
    possibly_orphaned BOOLEAN NOT NULL,
    created_at        BIGINT NOT NULL,
    pay_deadline      BIGINT NOT NULL,
    paid_at           BIGINT NOT NULL,
    completed_at      BIGINT NOT NULL
);
CREATE INDEX orders_buyer ON orders(buyer_id, created_at, id);
CREATE INDEX orders_seller ON orders(seller_id, created_at, id);
CREATE INDEX orders_origin ON orders(origin_order_id) WHERE origin_order_id <> '';

CREATE TABLE order_line (
    id                TEXT PRIMARY KEY,
    order_id          TEXT NOT NULL REFERENCES orders(id),
    number            BIGINT NOT NULL,
    offer_id          TEXT NOT NULL,
    sku_code          TEXT NOT NULL,
    product_name      TEXT NOT NULL,
    sku_name          TEXT NOT NULL,
    attributes        TEXT NOT NULL,
    charging          TEXT NOT NULL,
    period_type       TEXT NOT NULL,
    period_number     BIGINT NOT NULL,
    quantity          BIGINT NOT NULL,
    linear            BOOLEAN NOT NULL,
    unit_price        TEXT NOT NULL,
    amount_deal       BIGINT NOT NULL,
    amount_paid       BIGINT NOT NULL,
    instance_id       TEXT NOT NULL,
    status            TEXT NOT NULL,
    announced_expiry  BIGINT NOT NULL,
    first_business_id TEXT NOT NULL,
    effective_at      BIGINT NOT NULL,
    expire_at         BIGINT NOT NULL
);
CREATE INDEX order_line_order ON order_line(order_id, number);
CREATE INDEX order_line_instance ON order_line(instance_id) WHERE instance_id <> '';

CREATE TABLE instance (
    id                 TEXT PRIMARY KEY,
    buyer_id           TEXT NOT NULL,
    seller_id          TEXT NOT NULL,
    product_id         TEXT NOT NULL,
    order_id           TEXT NOT NULL,
    order_line_id      TEXT NOT NULL UNIQUE,
    offer_id           TEXT NOT NULL,
    sku_code           TEXT NOT NULL,
    quantity           BIGINT NOT NULL,
    status             TEXT NOT NULL,
    reason             TEXT NOT NULL,
    freeze_reasons     TEXT NOT NULL,
    seller_instance_id TEXT NOT NULL,
    id_substitute      BOOLEAN NOT NULL,
    entry_sealed       TEXT NOT NULL,
    effective_at       BIGINT NOT NULL,
    expire_at          BIGINT NOT NULL,
    version            BIGINT NOT NULL
);
-- An instanceId used for another order is refused: it is unique per seller. // spec: 10 §2.4
CREATE UNIQUE INDEX instance_seller_id ON instance(seller_id, seller_instance_id) WHERE seller_instance_id <> '';
CREATE INDEX instance_buyer ON instance(buyer_id, id);

-- One row per paid period of an instance.
CREATE TABLE period (
    instance_id   TEXT NOT NULL REFERENCES instance(id),
    order_line_id TEXT NOT NULL,
    starts_at     BIGINT NOT NULL,
    ends_at       BIGINT NOT NULL,
    state         TEXT NOT NULL,
    PRIMARY KEY (instance_id, order_line_id)
);

CREATE TABLE failed_order (
    order_id   TEXT PRIMARY KEY,
    product_id TEXT NOT NULL,
    month      TEXT NOT NULL,
    failed_at  BIGINT NOT NULL
);
CREATE INDEX failed_order_month ON failed_order(product_id, month);

-- Double-entry ledger. A posting's (kind, ref) is unique: it cannot be made twice.
CREATE TABLE ledger_account (
    name     TEXT NOT NULL,
    currency TEXT NOT NULL,
    balance  BIGINT NOT NULL,
    PRIMARY KEY (name, currency)
);
CREATE TABLE ledger_transaction (
    id        TEXT PRIMARY KEY,
    kind      TEXT NOT NULL,
    ref       TEXT NOT NULL,
    currency  TEXT NOT NULL,
    memo      TEXT NOT NULL,
    posted_at BIGINT NOT NULL,
    UNIQUE (kind, ref)
);
CREATE TABLE ledger_entry (
    transaction_id TEXT NOT NULL REFERENCES ledger_transaction(id),
    number         BIGINT NOT NULL,
    account        TEXT NOT NULL,
    amount         BIGINT NOT NULL,
    PRIMARY KEY (transaction_id, number)
);
CREATE INDEX ledger_entry_account ON ledger_entry(account, transaction_id);

-- A money decision needs two people: who asked and who agreed. // spec: 01 §9
CREATE TABLE top_up (
    id           TEXT PRIMARY KEY,
    company_id   TEXT NOT NULL REFERENCES company(id),
    currency     TEXT NOT NULL,
    amount       BIGINT NOT NULL,
    state        TEXT NOT NULL,
    requested_by TEXT NOT NULL,
    approved_by  TEXT NOT NULL,
    created_at   BIGINT NOT NULL,
    decided_at   BIGINT NOT NULL
);

-- Jobs: calls to sellers and timed work. 'waiting' jobs stand behind an earlier one of
-- their chain (one instance); lanes bound how many of a seller's run at once.
CREATE TABLE job (
    id            TEXT PRIMARY KEY,
    kind          TEXT NOT NULL,
    lane          TEXT NOT NULL,
    chain         TEXT NOT NULL,
    chain_no      BIGINT NOT NULL,
    state         TEXT NOT NULL,
    due_at        BIGINT NOT NULL,
    base_at       BIGINT NOT NULL,
    tries         BIGINT NOT NULL,
    attempts      BIGINT NOT NULL,
    occasion      TEXT NOT NULL,
    lease_owner   TEXT NOT NULL,
    lease_until   BIGINT NOT NULL,
    seller_id     TEXT NOT NULL,
    order_id      TEXT NOT NULL,
    order_line_id TEXT NOT NULL,
    instance_id   TEXT NOT NULL,
    payload       TEXT NOT NULL,
    outcome       TEXT NOT NULL,
    created_at    BIGINT NOT NULL,
    finished_at   BIGINT NOT NULL
);
CREATE INDEX job_due ON job(lane, due_at, id) WHERE state = 'queued';
CREATE INDEX job_next ON job(due_at, id) WHERE state = 'queued';
CREATE INDEX job_running ON job(lease_until) WHERE state = 'running';
CREATE INDEX job_chain ON job(chain, chain_no) WHERE chain <> '';
CREATE INDEX job_order ON job(order_id);

CREATE TABLE lane (
    name      TEXT PRIMARY KEY,
    seller_id TEXT NOT NULL
);
INSERT INTO lane (name, seller_id) VALUES ('platform', '');

-- Every call made, or begun and never answered.
CREATE TABLE attempt (
    id            TEXT PRIMARY KEY,
    job_id        TEXT NOT NULL,
    seller_id     TEXT NOT NULL,
    buyer_id      TEXT NOT NULL,
    product_id    TEXT NOT NULL,
    order_id      TEXT NOT NULL,
    order_line_id TEXT NOT NULL,
    instance_id   TEXT NOT NULL,
    activity      TEXT NOT NULL,
    number        BIGINT NOT NULL,
    occasion      TEXT NOT NULL,
    state         TEXT NOT NULL,
    business_id   TEXT NOT NULL,
    http_status   BIGINT NOT NULL,
    result_code   TEXT NOT NULL,
    result_msg    TEXT NOT NULL,
    reason        TEXT NOT NULL,
    detail        TEXT NOT NULL,
    started_at    BIGINT NOT NULL,
    business_at   BIGINT NOT NULL,
    duration_us   BIGINT NOT NULL,
    next_at       BIGINT NOT NULL,
    request       BYTEA NOT NULL,
    response      BYTEA NOT NULL
);
CREATE INDEX attempt_order ON attempt(order_id, id);
CREATE INDEX attempt_job ON attempt(job_id, id);
CREATE INDEX attempt_seller ON attempt(seller_id, id);
CREATE INDEX attempt_instance ON attempt(instance_id, id);

CREATE TABLE notice (
    id         TEXT PRIMARY KEY,
    company_id TEXT NOT NULL,
    kind       TEXT NOT NULL,
    order_id   TEXT NOT NULL,
    attempt_id TEXT NOT NULL,
    params     TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX notice_company ON notice(company_id, id);

CREATE TABLE audit (
    id      TEXT PRIMARY KEY,
    at      BIGINT NOT NULL,
    actor   TEXT NOT NULL,
    company TEXT NOT NULL,
    action  TEXT NOT NULL,
    noun_id TEXT NOT NULL,
    detail  TEXT NOT NULL
);

CREATE TABLE idempotency (
    caller     TEXT NOT NULL,
    key        TEXT NOT NULL,
    input_hash TEXT NOT NULL,
    status     BIGINT NOT NULL,
    reply      BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (caller, key)
);

-- +goose Down
DROP TABLE idempotency;
DROP TABLE audit;
DROP TABLE notice;
DROP TABLE attempt;
DROP TABLE lane;
DROP TABLE job;
DROP TABLE top_up;
DROP TABLE ledger_entry;
DROP TABLE ledger_transaction;
DROP TABLE ledger_account;
DROP TABLE failed_order;
DROP TABLE period;
DROP TABLE instance;
DROP TABLE order_line;
DROP TABLE orders;
DROP TABLE sku_offer;
DROP TABLE sku;
DROP TABLE product;
DROP TABLE production_address;
DROP TABLE access_key;
DROP TABLE interconnection_key;
DROP TABLE session;
DROP TABLE access_token;
DROP TABLE member;
DROP TABLE person;
DROP TABLE company;
DROP TABLE setting;
