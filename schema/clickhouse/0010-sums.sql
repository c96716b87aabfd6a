-- The winners once more, in the order of time: for a part of a quarter of an hour, for identities that are left out of an
-- answer, and for the sums below. A winner that moved to another time or session leaves a deleted row at each place where
-- it was. All three tables are made by publications, in this order: by time, and from that the sums, and the winners.
CREATE TABLE winners_by_time
(
    slot              UInt32 COMMENT 'quarters of an hour since 1970',
    session           String,
    identity          UUID,
    seq               UInt64,
    is_deleted        UInt8,
    log               LowCardinality(String),
    position          UInt64,
    time              DateTime64(3, 'UTC'),
    project           LowCardinality(String),
    model             LowCardinality(String),
    user              LowCardinality(String),
    host              LowCardinality(String),
    branch            LowCardinality(String),
    input             UInt64,
    output            UInt64,
    cache_read        UInt64,
    cache_creation_5m UInt64,
    cache_creation_1h UInt64,
    sidechain         Bool,
    path              LowCardinality(String),
    offset            UInt64,
    INDEX seq_range seq TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree(seq, is_deleted)
ORDER BY (slot, session, identity)
SETTINGS index_granularity = 1024, fsync_after_insert = 1, fsync_part_directory = 1;

-- Sums of the winners that have all of this in common: what answers are made of. A group without winners is deleted.
CREATE TABLE winners_summed
(
    slot              UInt32 COMMENT 'quarters of an hour since 1970',
    session           String,
    project           LowCardinality(String),
    user              LowCardinality(String),
    host              LowCardinality(String),
    branch            LowCardinality(String),
    sidechain         Bool,
    model             LowCardinality(String),
    tier              UInt8 COMMENT 'prompt sizes from which a model may cost more that each of them exceeds',
    seq               UInt64,
    is_deleted        UInt8,
    input             UInt128,
    output            UInt128,
    cache_read        UInt128,
    cache_creation_5m UInt128,
    cache_creation_1h UInt128,
    records           UInt64,
    first_in_slot     UInt32 COMMENT 'milliseconds since the slot began',
    last_in_slot      UInt32,
    path              LowCardinality(String) COMMENT 'of the latest record',
    offset            UInt64 COMMENT 'of the latest record'
)
ENGINE = ReplacingMergeTree(seq, is_deleted)
PRIMARY KEY (slot, session)
ORDER BY (slot, session, project, user, host, branch, sidechain, model, tier)
SETTINGS index_granularity = 1024, fsync_after_insert = 1, fsync_part_directory = 1;

-- How far these two tables have everything: the row with the largest version. Readers use them where `form` is what their
-- release makes sums by, and `summed_to` is the largest number. A database that has winners is filled by its publisher.
CREATE TABLE winners_filled
(
    version   UInt64,
    form      String COMMENT 'what the sums are made by',
    slices    UInt32 COMMENT 'parts of all identities',
    filled    UInt32 COMMENT 'of these, those that are there by time',
    summed_to UInt32 COMMENT 'earlier slots are summed'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY tuple()
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

INSERT INTO winners_filled
    SELECT
        0, '900000 project,model,session,user,host,branch,sidechain 128000,199999,200000,271999,272000,512000',
        0, 0, 4294967295
    FROM (SELECT count() AS winners FROM winners WHERE is_deleted = 0)
    WHERE winners = 0;
