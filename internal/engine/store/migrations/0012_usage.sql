-- +goose Up
-- Nonces of usage pushes: one may be used once within the time in which its ts is taken.
CREATE TABLE usage_nonce (
    seller_id TEXT NOT NULL,
    nonce     TEXT NOT NULL,
    seen_at   BIGINT NOT NULL,
    PRIMARY KEY (seller_id, nonce)
);
CREATE INDEX usage_nonce_seen ON usage_nonce(seen_at);
CREATE INDEX lab_run_instance ON lab_run(instance_id, seller_id) WHERE instance_id <> '';
-- A push names instances and not its seller: the id alone must find it too.
DROP INDEX instance_seller_id;
CREATE UNIQUE INDEX instance_seller_id ON instance(seller_instance_id, seller_id) WHERE seller_instance_id <> '';

-- +goose Down
DROP INDEX instance_seller_id;
CREATE UNIQUE INDEX instance_seller_id ON instance(seller_id, seller_instance_id) WHERE seller_instance_id <> '';
DROP INDEX lab_run_instance;
DROP TABLE usage_nonce;
