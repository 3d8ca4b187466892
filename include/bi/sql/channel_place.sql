-- Where a channel's touches stand in journeys; one row per channel and place.
select channel, declared_role, 'opener' as place, 1 as place_order, opener as touches, opener_share as share from channel_role
union all
select channel, declared_role, 'assist', 2, assist, assist_share from channel_role
union all
select channel, declared_role, 'closer', 3, closer, closer_share from channel_role
union all
select channel, declared_role, 'after_sale', 4, after_sale, after_sale_share from channel_role
