"""Files for an installation: the supervisord group, the systemd unit, the udev rules, the annotated settings."""
