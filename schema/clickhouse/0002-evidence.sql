-- What each published batch was verified to hold: the evidence by which it can be checked without its log. A batch
-- from before this change has an empty digest. A batch that is kept is archived evidence that a rollback unpublished.
ALTER TABLE batches
    ADD COLUMN IF NOT EXISTS records UInt32,
    ADD COLUMN IF NOT EXISTS tokens UInt64,
    ADD COLUMN IF NOT EXISTS first_position UInt64,
    ADD COLUMN IF NOT EXISTS last_position UInt64,
    ADD COLUMN IF NOT EXISTS digest String COMMENT 'SHA-256 over the texts of its records',
    MODIFY COLUMN state Enum8('published' = 1, 'retired' = 2, 'kept' = 3);

-- Who may publish: the row with the largest epoch. Statements of an earlier holder, however late, publish nothing.
CREATE TABLE fences
(
    epoch  UInt64,
    holder String,
    taken  DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = MergeTree
ORDER BY epoch
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;
