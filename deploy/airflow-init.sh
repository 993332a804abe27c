#!/bin/sh
# Runs once before the other services: Airflow's tables, the pool of the writers, the bucket of the models.
# Every step may be repeated.
set -eu
airflow db migrate
airflow pools set tallystick_writers 1 "one writer at a time, across scheduled runs and backfills"
python deploy/make_bucket.py mlflow
