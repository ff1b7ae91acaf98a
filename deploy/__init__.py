"""What an installation needs: the supervisord group, the systemd unit, the udev rules, the annotated settings."""
