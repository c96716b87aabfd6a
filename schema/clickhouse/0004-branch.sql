-- The git branch that a record was made on. Rows of before have none; transcripts that are still on disk are shipped anew.
ALTER TABLE copies
    ADD COLUMN IF NOT EXISTS branch LowCardinality(String) AFTER host;

ALTER TABLE winners
    ADD COLUMN IF NOT EXISTS branch LowCardinality(String) AFTER host;
