-- A reader and occasion have one delivery, and it has ended.
SELECT person_id || ' ' || period || ' ' || kind || ' is ' || min(state) AS breach
FROM digest_delivery
GROUP BY person_id, period, kind
HAVING count(*) > 1 OR min(state) IN ('pending', 'sending')
