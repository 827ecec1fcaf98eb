-- +goose Up
CREATE TABLE category (
    id        TEXT PRIMARY KEY,
    parent_id TEXT NOT NULL,
    name_zh   TEXT NOT NULL,
    name_en   TEXT NOT NULL,
    position  BIGINT NOT NULL
);

-- What people read of a product stands in its live revision; these columns are what
-- lists sort and filter by.
ALTER TABLE product ADD COLUMN category_id TEXT NOT NULL DEFAULT '';
ALTER TABLE product ADD COLUMN hidden BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE product ADD COLUMN live_revision_id TEXT NOT NULL DEFAULT '';
ALTER TABLE product ADD COLUMN listed_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE product ADD COLUMN rating_sum BIGINT NOT NULL DEFAULT 0;
ALTER TABLE product ADD COLUMN rating_count BIGINT NOT NULL DEFAULT 0;

-- A SKU is one combination of a spec; its code survives as long as the combination does.
ALTER TABLE sku ADD COLUMN spec_key TEXT NOT NULL DEFAULT '';
ALTER TABLE sku ADD COLUMN combination TEXT NOT NULL DEFAULT '';
ALTER TABLE sku ADD COLUMN withdrawn BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE sku ADD COLUMN trial_days BIGINT NOT NULL DEFAULT 0;

CREATE TABLE upgrade_rule (
    from_sku TEXT NOT NULL REFERENCES sku(code),
    to_sku   TEXT NOT NULL REFERENCES sku(code),
    PRIMARY KEY (from_sku, to_sku)
);

CREATE TABLE product_revision (
    id           TEXT PRIMARY KEY,
    product_id   TEXT NOT NULL REFERENCES product(id),
    seller_id    TEXT NOT NULL,
    kind         TEXT NOT NULL,
    body         TEXT NOT NULL,
    state        TEXT NOT NULL,
    version      BIGINT NOT NULL,
    submitted_at BIGINT NOT NULL,
    due_at       BIGINT NOT NULL,
    decided_at   BIGINT NOT NULL,
    reviewer_id  TEXT NOT NULL,
    reason       TEXT NOT NULL,
    remarks      TEXT NOT NULL,
    created_at   BIGINT NOT NULL,
    updated_at   BIGINT NOT NULL
);
CREATE INDEX product_revision_product ON product_revision(product_id, id);
CREATE INDEX product_revision_queue ON product_revision(due_at, id) WHERE state IN ('PENDING', 'REVIEWING');
CREATE INDEX product_revision_seller ON product_revision(seller_id, id);
-- One open revision per product.
CREATE UNIQUE INDEX product_revision_open ON product_revision(product_id) WHERE state IN ('DRAFT', 'PENDING', 'REVIEWING', 'REJECTED');

-- Uploaded files; their bytes stand in the blob store under the hash.
CREATE TABLE file (
    id         TEXT PRIMARY KEY,
    company_id TEXT NOT NULL REFERENCES company(id),
    name       TEXT NOT NULL,
    media_type TEXT NOT NULL,
    size       BIGINT NOT NULL,
    sha256     TEXT NOT NULL,
    width      BIGINT NOT NULL,
    height     BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX file_company ON file(company_id, id);

-- One rating per buyer and product.
CREATE TABLE rating (
    id         TEXT PRIMARY KEY,
    product_id TEXT NOT NULL REFERENCES product(id),
    buyer_id   TEXT NOT NULL,
    order_id   TEXT NOT NULL,
    stars      BIGINT NOT NULL,
    text       TEXT NOT NULL,
    reply      TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    replied_at BIGINT NOT NULL,
    UNIQUE (product_id, buyer_id)
);

-- +goose Down
DROP TABLE rating;
DROP TABLE file;
DROP TABLE product_revision;
DROP TABLE upgrade_rule;
DROP TABLE category;
