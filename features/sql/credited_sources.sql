-- grain:  one row per source that was ever applied as a credit
-- clock:  first_on is the first day the books showed that
-- source: applications
-- An undone application takes back what its source gave: a credit where the source was applied
-- as one before, else cash.
select source_id, min(visible_on) as first_on
from applications
where cause = 'credit' and source_id is not null
group by source_id
