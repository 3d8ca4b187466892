-- What the folds mean for each row of the batch. A row that a fold sets free is new to core; a late original that takes
-- the place of its copy in core is a change of what core says of that event, not a second event.
update {{ judged }} set outcome = case
    when _id in (select _id from {{ folds }}) then 'deduplicated'
    when was_copy then 'new'
    when _found = 'new' and _id in (
        select folds._survivor from {{ folds }} as folds
        join {{ members }} as members on members._id = folds._id and members.origin = 'core'
    ) then 'changed'
    else outcome end
where _found is not null
