-- Stored rows whose numbers are not those of this engine (or of none yet) get them.
UPDATE core.person_identifier AS now SET node_id = {node} WHERE node_id IS DISTINCT FROM {node};
UPDATE core.identity_refusal AS now SET node_id = {node} WHERE node_id IS DISTINCT FROM {node}
