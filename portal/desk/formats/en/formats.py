"""Moments in lists that Django draws by itself, such as plugins', look as they do everywhere else."""

DATE_FORMAT = "d M Y"
TIME_FORMAT = "H:i"
DATETIME_FORMAT = "d M Y, H:i"
