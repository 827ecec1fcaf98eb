-- +goose Up
-- An operator's refund of an order that never opened, before a second one has agreed. // spec: 01 §9
CREATE TABLE refund_proposal (
    order_id    TEXT PRIMARY KEY REFERENCES orders(id),
    proposed_by TEXT NOT NULL,
    proposed_at BIGINT NOT NULL
);

-- +goose Down
DROP TABLE refund_proposal;
