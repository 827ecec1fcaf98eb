-- +goose Up
-- A category that is retired takes no new products; those in it stay.
ALTER TABLE category ADD COLUMN retired BOOLEAN NOT NULL DEFAULT FALSE;

-- A seller's request to take a product off the shelf waits for an operator.
ALTER TABLE product ADD COLUMN delist_reason TEXT NOT NULL DEFAULT '';
ALTER TABLE product ADD COLUMN delist_asked_at BIGINT NOT NULL DEFAULT 0;
CREATE INDEX product_delist ON product(delist_asked_at, id) WHERE delist_asked_at > 0;

-- +goose Down
DROP INDEX product_delist;
ALTER TABLE product DROP COLUMN delist_asked_at;
ALTER TABLE product DROP COLUMN delist_reason;
ALTER TABLE category DROP COLUMN retired;
