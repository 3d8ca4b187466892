-- The same in core.
update {{ table }} as core set {{ core_column }} = told.kept
from {{ told }} as told
where told.value = core.{{ core_column }} and core.account_id = :account_id and core.source = :source
