"""What runs around the product: scheduled jobs, doctor, backups, SQL views."""
