#!/usr/bin/env bash
# One database and one role for each part, each of which reaches its own and no other; and a role that may only read the
# marts, for dashboards and for people's own tools. Runs once, when the server's volume is empty.
set -euo pipefail

password() { cat "/run/secrets/$1"; }
run() { psql --set ON_ERROR_STOP=1 --no-psqlrc --quiet --username "${POSTGRES_USER:-postgres}" "$@"; }

# The password goes in on standard input: not in a command line, not in a log.
role() {
    run --dbname postgres <<SQL
SET log_statement = 'none';
CREATE ROLE $1 LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD \$secret\$$(password "$2")\$secret\$;
SQL
}

database() {
    run --dbname postgres <<SQL
CREATE DATABASE $1 OWNER $2 ENCODING 'UTF8' TEMPLATE template0;
REVOKE ALL ON DATABASE $1 FROM PUBLIC;
SQL
    # Nobody but the owner makes tables, whatever the server's version grants by default.
    run --dbname "$1" <<SQL
ALTER SCHEMA public OWNER TO $2;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
SQL
}

role airflow airflow_db_password
role state state_password
role warehouse warehouse_password
role superset superset_db_password
role bi_reader bi_reader_password
database airflow airflow
database state state
database warehouse warehouse
database superset superset

# Superset makes temporary, empty tables of marts that nobody has written yet: hence TEMPORARY, and no read-only default.
run --dbname warehouse <<SQL
GRANT CONNECT, TEMPORARY ON DATABASE warehouse TO bi_reader;
ALTER ROLE bi_reader SET statement_timeout = '60s';
CREATE SCHEMA marts AUTHORIZATION warehouse;
GRANT USAGE ON SCHEMA marts TO bi_reader;
ALTER DEFAULT PRIVILEGES FOR ROLE warehouse IN SCHEMA marts GRANT SELECT ON TABLES TO bi_reader;
SQL
