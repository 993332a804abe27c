#!/bin/sh
# Runs once before the other services: refuses secrets that were not changed, makes Airflow's tables, the pool of the
# writers, and the buckets. Every step may be repeated.
set -eu
cd "$(dirname "$0")/.."
python3 deploy/check_secrets.py
airflow db migrate
airflow pools set tallystick_writers 1 "one writer at a time, across scheduled runs and backfills"
if [ -n "${AWS_ENDPOINT_URL_S3:-}" ]; then
    python3 deploy/make_bucket.py ${TALLYSTICK_BUCKETS:-mlflow}
fi
