#!/bin/sh
# Deletes what Airflow keeps of runs older than KEEP_RUN_DAYS (90): rows of its database and the tasks' logs.
# Airflow never does that itself. Tables of the warehouse are not touched: `tally maintain vacuum` is for those.
set -eu
days=${KEEP_RUN_DAYS:-90}
case $days in
'' | *[!0-9]* | 0)
    echo "KEEP_RUN_DAYS is '$days': write a number of days, 1 or more" >&2
    exit 2
    ;;
esac
before=$(date -u -d "$days days ago" +%Y-%m-%dT%H:%M:%S+00:00)
airflow db clean --clean-before-timestamp "$before" --skip-archive --yes --error-on-cleanup-failure
logs=${AIRFLOW__LOGGING__BASE_LOG_FOLDER:-${AIRFLOW_HOME:?AIRFLOW_HOME is not set}/logs}
[ ! -d "$logs" ] || find "$logs" -type f -mtime "+$days" -delete
# A folder that is new and empty belongs to a task that begins to write its log.
[ ! -d "$logs" ] || find "$logs" -mindepth 1 -type d -empty -mmin +60 -delete
