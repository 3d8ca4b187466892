-- A visit's unit is the person of its device, or the visit itself where nobody is known.
SELECT told.input_key, told.batch_id, told.content_hash, coalesce(device.person_id, told.input_key) AS unit_id
FROM ({told}) AS told
LEFT JOIN core.person_identifier AS device
    ON device.identifier_kind = 'client_id' AND device.identifier = told.client_id
