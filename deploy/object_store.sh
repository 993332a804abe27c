#!/bin/sh
# Runs moto, which answers the S3 API from memory, and makes MLflow's bucket in it. After a restart nothing that was kept is there, but
# the bucket for what comes next is.
set -eu
/opt/moto/bin/moto_server -H 0.0.0.0 -p 9000 &
until curl -fso /dev/null -X PUT http://localhost:9000/mlflow; do
    kill -0 $!
    sleep 1
done
wait $!
