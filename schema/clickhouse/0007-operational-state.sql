-- What users and operators chose and no record says: preferences, tokens of machines, revocations. Each instance adds what
-- its journal has and nobody has added, and learns from what others added. What an entry says does not depend on the
-- order in which entries come, so one that is here twice does no harm.
CREATE TABLE operational_state
(
    told  DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'when it came, by the clock of the database',
    id    FixedString(64) COMMENT 'SHA-256 of the entry, in hexadecimal',
    entry String COMMENT 'JSON, as it is journaled'
)
ENGINE = MergeTree
ORDER BY told
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;
