-- The themes that these deals or texts told of. Grain: theme (category/theme). The lists are ids with commas between.
SELECT DISTINCT objection.category || '/' || coalesce(nullif(objection.theme, ''), 'general') AS theme
FROM marts.objection AS objection
WHERE
    objection.deal_id = ANY(string_to_array(:deals, ','))
    OR objection.objection_id IN (
        SELECT evidence.objection_id
        FROM marts.objection_evidence AS evidence
        WHERE split_part(evidence.source_id, '#', 1) = ANY(string_to_array(:texts, ','))
    )
ORDER BY theme
