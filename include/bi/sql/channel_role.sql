-- One row per channel: the role it was given beside the one that journeys show, in words.
select
    channel,
    coalesce(declared_role, 'none declared') as declared_role,
    coalesce(expected_role, '-') as expected_role,
    coalesce(observed_role, 'nothing stands out') as observed_role,
    case when is_as_declared then 'yes' when not is_as_declared then 'no' else 'cannot tell' end as as_declared,
    case when is_turning then 'yes' else coalesce('no: ' || reason, 'no') end as turns,
    touches, conversions, ad_cost_base
from channel_role
