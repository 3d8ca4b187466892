-- A version is published once, and versions are counted without a gap.
SELECT 'version ' || version AS breach
FROM (SELECT version, row_number() OVER (ORDER BY version) AS place FROM ops.publication) AS counted
WHERE version <> place
