-- Every copy of a token record that was shipped, at its place in its log: the evidence, and what read-back checks.
-- A copy counts once its batch is published (table batches). A run is one partition, so that it can be dropped whole.
CREATE TABLE copies
(
    identity          UUID,
    log               LowCardinality(String) COMMENT 'edition of a log',
    position          UInt64 COMMENT 'byte offset of its line or frame',
    batch             UInt64,
    run               LowCardinality(String),
    time              DateTime64(3, 'UTC'),
    session           String,
    project           LowCardinality(String),
    model             LowCardinality(String),
    user              LowCardinality(String),
    host              LowCardinality(String),
    input             UInt64,
    output            UInt64,
    cache_read        UInt64,
    cache_creation_5m UInt64,
    cache_creation_1h UInt64,
    sidechain         Bool,
    by_mutation       Bool,
    path              LowCardinality(String) COMMENT 'path of the log, for the rank',
    offset            UInt64 COMMENT 'byte offset for the rank',
    INDEX batch_range batch TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree
PARTITION BY run
ORDER BY (identity, log, position, batch)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- What readers count: of each identity, the winner among its published copies. The row with the largest seq is the
-- current one; an identity without a published copy is deleted.
CREATE TABLE winners
(
    identity          UUID,
    seq               UInt64,
    is_deleted        UInt8,
    log               LowCardinality(String),
    position          UInt64,
    time              DateTime64(3, 'UTC'),
    session           String,
    project           LowCardinality(String),
    model             LowCardinality(String),
    user              LowCardinality(String),
    host              LowCardinality(String),
    input             UInt64,
    output            UInt64,
    cache_read        UInt64,
    cache_creation_5m UInt64,
    cache_creation_1h UInt64,
    path              LowCardinality(String),
    offset            UInt64
)
ENGINE = ReplacingMergeTree(seq, is_deleted)
ORDER BY identity
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- The batches that were verified and published. The row with the largest version is the current one.
CREATE TABLE batches
(
    batch     UInt64,
    version   UInt64,
    state     Enum8('published' = 1, 'retired' = 2),
    log       LowCardinality(String),
    run       LowCardinality(String),
    written   DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree(version)
ORDER BY batch
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- One row: what tells this database from another one, so that a ledger is never believed about the wrong one.
CREATE TABLE database_id
(
    id UUID
)
ENGINE = ReplacingMergeTree
ORDER BY tuple()
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;
