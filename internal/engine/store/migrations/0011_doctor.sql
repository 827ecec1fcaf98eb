-- +goose Up
-- One run of the doctor against a seller's server.
CREATE TABLE checkup (
    id         TEXT PRIMARY KEY,
    seller_id  TEXT NOT NULL REFERENCES company(id),
    address    TEXT NOT NULL,
    protocol   TEXT NOT NULL,
    modes      TEXT NOT NULL,
    state      TEXT NOT NULL,
    judged     BIGINT NOT NULL,
    rules      BIGINT NOT NULL,
    outcome    TEXT NOT NULL,
    broken     BIGINT NOT NULL,
    warnings   BIGINT NOT NULL,
    problem    TEXT NOT NULL,
    report     BYTEA NOT NULL,
    started_by TEXT NOT NULL,
    started_at BIGINT NOT NULL,
    ended_at   BIGINT NOT NULL
);
CREATE INDEX checkup_seller ON checkup(seller_id, id);

-- +goose Down
DROP TABLE checkup;
