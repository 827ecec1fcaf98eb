-- +goose Up
-- A five-day refund above the threshold, from the buyer's question to the answer. // spec: 22 §4.1
CREATE TABLE refund_request (
    id          TEXT PRIMARY KEY,
    instance_id TEXT NOT NULL REFERENCES instance(id),
    buyer_id    TEXT NOT NULL REFERENCES company(id),
    state       TEXT NOT NULL,
    amount      BIGINT NOT NULL,
    currency    TEXT NOT NULL,
    reason      TEXT NOT NULL,
    asked_by    TEXT NOT NULL,
    asked_at    BIGINT NOT NULL,
    answer_by   BIGINT NOT NULL,
    answered_by TEXT NOT NULL,
    answered_at BIGINT NOT NULL,
    answer      TEXT NOT NULL,
    order_id    TEXT NOT NULL
);
-- A service has one open request; whoever asks or orders about it looks for that one.
CREATE UNIQUE INDEX refund_request_open ON refund_request(instance_id) WHERE state = 'WAITING';
CREATE INDEX refund_request_buyer ON refund_request(buyer_id, asked_at);
CREATE INDEX refund_request_state ON refund_request(state, id);
CREATE INDEX refund_request_order ON refund_request(order_id) WHERE order_id <> '';

-- +goose Down
DROP TABLE refund_request;
