"""Making a backup while the portal runs, and putting one in the place of the database."""
