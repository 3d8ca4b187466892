-- Scratch: the landed rows of one stream and account that name an erased person. Grain: batch_id, row_number; repeats.
drop table if exists erased_hit;
create temporary table erased_hit (batch_id text, row_number bigint, landed_key text)
