-- What the audit logs of all instances hold, as each has it on its own disk: a copy, for whoever looks at all of them, and
-- for an instance whose disk is lost or was tampered with. `line` is the whole entry, with the HMAC that chains it to the
-- one before. An entry that is here twice says the same; the first one counts.
CREATE TABLE audit
(
    chain    String COMMENT 'names the chain, in hexadecimal',
    position UInt64 COMMENT 'in the chain, from 0 on',
    at       DateTime64(3, 'UTC'),
    instance String COMMENT 'host and data folder',
    who      Nullable(String),
    action   String,
    outcome  String,
    detail   Nullable(String),
    address  Nullable(String) COMMENT 'that the request came from',
    request  Nullable(String),
    count    UInt64 COMMENT 'how often within a second',
    line     String,
    told     DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'when it came, by the clock of the database'
)
ENGINE = MergeTree
ORDER BY (chain, position)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;
