#!/usr/bin/env bash
# Installs and starts PostgreSQL on loopback with the role and database of the tests, as often as
# run. Debian, as root. The last line printed is the URL:
#   INSPECTION_TEST_POSTGRES="$(bash .ci/postgres.sh | tail -n 1)"; export INSPECTION_TEST_POSTGRES
set -euo pipefail

name=inspection_test  # role, password and database: reachable from this machine only

as_postgres() { (cd / && runuser -u postgres -- "$@"); }

if ! command -v pg_lsclusters >/dev/null || [ -z "$(pg_lsclusters -h)" ]; then
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq postgresql
fi

read -r version cluster port status _ < <(pg_lsclusters -h)
case "$status" in
    online*) ;;
    *) pg_ctlcluster "$version" "$cluster" start ;;
esac

for _ in $(seq 30); do
    as_postgres pg_isready -q -p "$port" && break
    sleep 1
done

as_postgres psql -p "$port" -v ON_ERROR_STOP=1 -qAt >/dev/null <<SQL
SELECT 'CREATE ROLE $name LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '$name') \gexec
ALTER ROLE $name PASSWORD '$name';
SELECT 'CREATE DATABASE $name OWNER $name'
    WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = '$name') \gexec
SQL

echo "postgresql+psycopg://$name:$name@127.0.0.1:$port/$name"
