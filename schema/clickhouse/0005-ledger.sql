-- What the publisher knows, entry by entry, so that other instances read along and one of them can go on with it. Entries
-- of the largest epoch count, from the last one that stands for everything before it; earlier epochs can be dropped whole.
CREATE TABLE ledger
(
    epoch   UInt64,
    number  UInt64 COMMENT 'counts up',
    whole   Bool COMMENT 'stands for everything before it',
    open    Bool COMMENT 'what readers count is being changed',
    entry   String COMMENT 'JSON',
    written DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree
PARTITION BY epoch
ORDER BY (epoch, number)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- When the publisher of an epoch was alive last, by the clock of the database.
CREATE TABLE heartbeats
(
    epoch    UInt64,
    beat     DateTime64(3, 'UTC') DEFAULT now64(3),
    released Bool COMMENT 'it gave the right back'
)
ENGINE = ReplacingMergeTree(beat)
ORDER BY epoch;
