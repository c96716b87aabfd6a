-- Who was answered in which arm of the experiment is told for 30 days, and is not kept for longer than is needed for that.
-- Mismatches are kept for as long as anybody may look into them. What users and operators chose stays.
ALTER TABLE operational_state
    MODIFY TTL
        toDateTime(told) + INTERVAL 31 DAY DELETE WHERE startsWith(entry, '{"kind":"experiment"'),
        toDateTime(told) + INTERVAL 91 DAY DELETE WHERE startsWith(entry, '{"kind":"mismatch"');
