-- The copies that were found, from a bound JSON list.
create temporary table {{ folds }} (_id text, _survivor text);

insert into {{ folds }} select copy_id, survivor_id from {{ records }} as found
