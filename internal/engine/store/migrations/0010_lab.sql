-- +goose Up
-- Domains whose ownership a seller proves, by a file or a DNS record.
CREATE TABLE seller_domain (
    seller_id   TEXT NOT NULL REFERENCES company(id),
    host        TEXT NOT NULL,
    token       TEXT NOT NULL,
    method      TEXT NOT NULL,
    verified_at BIGINT NOT NULL,
    checked_at  BIGINT NOT NULL,
    problem     TEXT NOT NULL,
    created_at  BIGINT NOT NULL,
    PRIMARY KEY (seller_id, host)
);

-- Public keys with which secrets are encrypted for a seller.
CREATE TABLE seller_credential (
    id         TEXT PRIMARY KEY,
    seller_id  TEXT NOT NULL REFERENCES company(id),
    name       TEXT NOT NULL,
    public_key TEXT NOT NULL,
    bits       BIGINT NOT NULL,
    profile    TEXT NOT NULL,
    lists      TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX seller_credential_seller ON seller_credential(seller_id, id);

-- Saved cases belong to an address: whoever moves the server proves it anew. The variant
-- names the optional parameters that are set.
CREATE TABLE lab_case (
    id         TEXT PRIMARY KEY,
    seller_id  TEXT NOT NULL REFERENCES company(id),
    address    TEXT NOT NULL,
    scenario   TEXT NOT NULL,
    variant    TEXT NOT NULL,
    form       TEXT NOT NULL,
    passed     BOOLEAN NOT NULL,
    run_id     TEXT NOT NULL,
    run_at     BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE (seller_id, address, scenario, variant)
);

-- Every call of the lab: typed, saved, replayed, probed.
CREATE TABLE lab_run (
    id          TEXT PRIMARY KEY,
    seller_id   TEXT NOT NULL,
    product_id  TEXT NOT NULL,
    case_id     TEXT NOT NULL,
    address     TEXT NOT NULL,
    scenario    TEXT NOT NULL,
    occasion    TEXT NOT NULL,
    passed      BOOLEAN NOT NULL,
    reason      TEXT NOT NULL,
    field       TEXT NOT NULL,
    detail      TEXT NOT NULL,
    warnings    TEXT NOT NULL,
    http_status BIGINT NOT NULL,
    result_code TEXT NOT NULL,
    result_msg  TEXT NOT NULL,
    instance_id TEXT NOT NULL,
    order_id    TEXT NOT NULL,
    started_at  BIGINT NOT NULL,
    duration_us BIGINT NOT NULL,
    request     BYTEA NOT NULL,
    response    BYTEA NOT NULL
);
CREATE INDEX lab_run_seller ON lab_run(seller_id, id);

-- One row per round of probing of a product.
CREATE TABLE probe (
    product_id TEXT NOT NULL REFERENCES product(id),
    day        TEXT NOT NULL,
    slot       TEXT NOT NULL,
    seller_id  TEXT NOT NULL,
    passed     BOOLEAN NOT NULL,
    cases      BIGINT NOT NULL,
    failed     BIGINT NOT NULL,
    problem    TEXT NOT NULL,
    run_id     TEXT NOT NULL,
    ran_at     BIGINT NOT NULL,
    PRIMARY KEY (product_id, day, slot)
);
CREATE INDEX probe_seller ON probe(seller_id, day);

-- +goose Down
DROP TABLE probe;
DROP TABLE lab_run;
DROP TABLE lab_case;
DROP TABLE seller_credential;
DROP TABLE seller_domain;
