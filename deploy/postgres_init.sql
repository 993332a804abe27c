-- Airflow's database is made by the image (POSTGRES_DB); MLflow has its own beside it.
CREATE DATABASE mlflow OWNER tallystick;
