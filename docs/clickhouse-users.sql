-- The users of a ClickHouse server that Token Bridge works with, with the least rights: what is here is needed, and
-- nothing else is (test/integration/clickhouse-users.test.ts). Put your database in place of `token_bridge`, passwords in
-- place of `…`, and the addresses of the bridges in place of `HOST ANY`. Run by an administrator, once. Tables need not
-- be there yet. To try it: npm run clickhouse -- --users docs/clickhouse-users.sql

-- Applies changes of the schema, when a release brings some: CLICKHOUSE_USER=bridge_migrator token-bridge migrate schema
CREATE USER bridge_migrator IDENTIFIED WITH sha256_password BY '…' HOST ANY;
GRANT CREATE DATABASE, CREATE TABLE ON token_bridge.* TO bridge_migrator;
GRANT SELECT, INSERT ON token_bridge.schema_changes TO bridge_migrator;
GRANT ALTER ADD COLUMN, ALTER MODIFY COLUMN ON token_bridge.batches TO bridge_migrator;
GRANT ALTER ADD COLUMN ON token_bridge.copies TO bridge_migrator;
GRANT ALTER ADD COLUMN, ALTER UPDATE ON token_bridge.winners TO bridge_migrator;
GRANT ALTER TTL ON token_bridge.operational_state TO bridge_migrator;
GRANT SELECT ON token_bridge.copies TO bridge_migrator;
GRANT SELECT ON token_bridge.winners TO bridge_migrator;
GRANT INSERT ON token_bridge.winners_filled TO bridge_migrator;
GRANT TABLE ENGINE ON MergeTree, TABLE ENGINE ON ReplacingMergeTree TO bridge_migrator;

-- Publishes and answers: the CLICKHOUSE_USER of a bridge.
CREATE USER bridge_publisher IDENTIFIED WITH sha256_password BY '…' HOST ANY;
GRANT SELECT ON token_bridge.* TO bridge_publisher;
GRANT INSERT ON token_bridge.batches TO bridge_publisher;
GRANT INSERT ON token_bridge.copies TO bridge_publisher;
GRANT INSERT ON token_bridge.database_id TO bridge_publisher;
GRANT INSERT ON token_bridge.fences TO bridge_publisher;
GRANT INSERT ON token_bridge.heartbeats TO bridge_publisher;
GRANT INSERT ON token_bridge.ledger TO bridge_publisher;
GRANT INSERT ON token_bridge.journals TO bridge_publisher;
GRANT INSERT ON token_bridge.operational_state TO bridge_publisher;
GRANT INSERT ON token_bridge.audit TO bridge_publisher;
-- winners and what follows from them, and the next tables of them, which are put in their place
GRANT INSERT, CREATE TABLE, DROP TABLE ON token_bridge.winners* TO bridge_publisher;
GRANT ALTER DELETE ON token_bridge.copies TO bridge_publisher;
GRANT ALTER DELETE ON token_bridge.ledger TO bridge_publisher;
-- of these tables
GRANT TABLE ENGINE ON ReplacingMergeTree TO bridge_publisher;
-- for KILL QUERY of its own statements alone
GRANT SELECT ON system.processes TO bridge_publisher;
-- how full its disks are, how busy it is, and in how many parts its tables lie: for the risk watch and the metrics
GRANT SELECT ON system.disks TO bridge_publisher;
GRANT SELECT ON system.events TO bridge_publisher;
GRANT SELECT ON system.parts TO bridge_publisher;

-- Answers, and tells of itself what others must know: the CLICKHOUSE_USER of a bridge that publishes nothing.
CREATE USER bridge_reader IDENTIFIED WITH sha256_password BY '…' HOST ANY;
GRANT SELECT ON token_bridge.* TO bridge_reader;
GRANT INSERT ON token_bridge.journals TO bridge_reader;
GRANT INSERT ON token_bridge.operational_state TO bridge_reader;
GRANT INSERT ON token_bridge.audit TO bridge_reader;
GRANT SELECT ON system.processes TO bridge_reader;
GRANT SELECT ON system.disks TO bridge_reader;
GRANT SELECT ON system.events TO bridge_reader;
GRANT SELECT ON system.parts TO bridge_reader;

-- Where a bridge that is isolated (token-bridge isolate) should take its own access away by itself, one of these for its
-- user. Whoever stole its password could then change that, and the addresses that it is let in from, too.
-- GRANT ALTER USER ON bridge_publisher TO bridge_publisher;
-- GRANT ALTER USER ON bridge_reader TO bridge_reader;
