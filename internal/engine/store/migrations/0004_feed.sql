-- +goose Up
-- What changed, for indexes and live pages of every process. Keys are time-ordered, but
-- a lower one may be committed after a higher one: followers look back a while.
CREATE TABLE change (
    id      TEXT PRIMARY KEY,
    noun    TEXT NOT NULL,
    noun_id TEXT NOT NULL
);

-- +goose Down
DROP TABLE change;
