-- +goose Up
-- The plan of an instance's life: jobs of an earlier plan do nothing.
ALTER TABLE instance ADD COLUMN trial BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE instance ADD COLUMN auto_renew BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE instance ADD COLUMN auto_periods BIGINT NOT NULL DEFAULT 1;
ALTER TABLE instance ADD COLUMN plan_no BIGINT NOT NULL DEFAULT 0;
-- The size that a paid term has, or will have once it begins.
ALTER TABLE period ADD COLUMN offer_id TEXT NOT NULL DEFAULT '';
ALTER TABLE period ADD COLUMN sku_code TEXT NOT NULL DEFAULT '';
ALTER TABLE period ADD COLUMN quantity BIGINT NOT NULL DEFAULT 0;
UPDATE period SET offer_id = (SELECT offer_id FROM order_line WHERE id = order_line_id), sku_code = (SELECT sku_code FROM order_line WHERE id = order_line_id),
    quantity = (SELECT quantity FROM order_line WHERE id = order_line_id);
ALTER TABLE orders ADD COLUMN breakdown TEXT NOT NULL DEFAULT '[]';
CREATE INDEX orders_yearly ON orders(buyer_id, source, created_at) WHERE type = 'UNSUBSCRIBE';
UPDATE job SET kind = 'time.term', payload = '{"plan":0}' WHERE kind IN ('time.expire', 'time.release') AND state IN ('queued', 'running');

-- +goose Down
UPDATE job SET kind = 'time.expire', payload = '{}' WHERE kind = 'time.term' AND state IN ('queued', 'running');
DROP INDEX orders_yearly;
ALTER TABLE orders DROP COLUMN breakdown;
ALTER TABLE period DROP COLUMN quantity;
ALTER TABLE period DROP COLUMN sku_code;
ALTER TABLE period DROP COLUMN offer_id;
ALTER TABLE instance DROP COLUMN plan_no;
ALTER TABLE instance DROP COLUMN auto_periods;
ALTER TABLE instance DROP COLUMN auto_renew;
ALTER TABLE instance DROP COLUMN trial;
