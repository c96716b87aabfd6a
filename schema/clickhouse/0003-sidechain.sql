-- Whether the copy that counts is of a sub-agent: readers select and break down by it. What was elected before gets the
-- value of the copy that it came from, which is known by its place; where that copy is gone it stays false.
ALTER TABLE winners
    ADD COLUMN IF NOT EXISTS sidechain Bool AFTER cache_creation_1h;

ALTER TABLE winners
    UPDATE sidechain = true
    WHERE (identity, log, position) IN (SELECT identity, toString(log), position FROM copies WHERE sidechain)
    SETTINGS mutations_sync = 2;
