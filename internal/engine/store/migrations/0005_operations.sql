-- +goose Up
-- What the system pages and /metrics count without reading whole tables.
CREATE INDEX orders_status ON orders(status, created_at, id);
CREATE INDEX job_failed ON job(kind, finished_at) WHERE state = 'failed';
CREATE INDEX job_waiting ON job(kind) WHERE state = 'waiting';
CREATE INDEX mail_failed ON mail(id) WHERE state = 'failed';

-- +goose Down
DROP INDEX mail_failed;
DROP INDEX job_waiting;
DROP INDEX job_failed;
DROP INDEX orders_status;
