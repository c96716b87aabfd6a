-- What each instance tells of its journal, so that instances that do not share its folder know what they lack. The latest
-- row of an instance counts.
CREATE TABLE journals
(
    journal  String COMMENT 'id of the folder: instances with the same one read each other',
    instance String COMMENT 'host and data folder',
    beat     DateTime64(3, 'UTC') COMMENT 'by the clock of the database, as the instance knew it when it sent this',
    pending  Bool COMMENT 'the journal has, or may soon have, what was acknowledged and is not published',
    ended    Bool COMMENT 'it ended by itself, and acknowledges nothing more'
)
ENGINE = ReplacingMergeTree(beat)
ORDER BY (journal, instance)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;
