-- When a copy was acknowledged that came by mutation: of several users' copies of one identity, those of the user whose copy
-- was first take part. Rows of before have 0, which is before everything; journals that can be read are shipped anew.
ALTER TABLE copies
    ADD COLUMN IF NOT EXISTS stamp UInt64 COMMENT 'microseconds since 1970' AFTER by_mutation;
