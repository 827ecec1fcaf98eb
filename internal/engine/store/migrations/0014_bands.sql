-- +goose Up
-- The unit prices from a number of pieces on, such as '11:8.00 51:6.00'. // spec: 20 B3.3
ALTER TABLE sku_offer ADD COLUMN bands TEXT NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE sku_offer DROP COLUMN bands;
