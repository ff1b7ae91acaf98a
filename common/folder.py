"""The names of all files and folders in the data folder. Each is written by one process and only read by others."""

# The log, written by the producer and reset by any process that finds every group done
LOG_FILE = "server_data.txt"
LOG_LOCK_FILE = "server_data.txt.lock"
LOG_ID_FILE = "server_data.txt.id"
LOG_DAMAGED_FILE = "server_data.bad"
LOG_RESERVE_FILE = "server_data.reserve"
MARK_FILE = "producer.mark"
GROUPS_FOLDER = "groups"  # one file per consumer group: its commit

# The producer
OPEN_MINUTE_FILE = "open_minute.json"
CLOCK_CONFIRMED_FILE = "clock_confirmed"
CLOCK_FILE = "clock.json"
FALSE_ROWS_FILE = "false_rows.json"  # written when people confirm a clock that was ahead, like the folder
SET_ASIDE_FOLDER = "set_aside"
DETECTORS_FILE = "detectors.json"
FINDINGS_FILE = "findings.json"
INCIDENTS_FILE = "incidents.json"

# People, by the commands and the page
INCIDENT_ACTS_FILE = "incident_acts.jsonl"
AUDIT_FILE = "audit.jsonl"
USERS_FILE = "users.json"
USERS_LOCK_FILE = "users.lock"
SESSION_KEY_FILE = "session.key"
SITE_TOKENS_FILE = "receiver.tokens"
CRITERIA_WANTED_FILE = "criteria_wanted.json"

# The consumers
OUTBOX_FILE = "outbox.tsv"
OUTBOX_DAMAGED_FILE = "outbox.tsv.bad"
REJECTED_FOLDER = "rejected"
NOT_ROWS_FILE = "unparsed.tsv"
SENSOR_NAMES_FILE = "sensor_names.json"  # of SENSOR_TB, by the archive
ALERTS_STATE_FILE = "alerts_state.json"
REPORTS_SENT_FOLDER = "reports_sent"  # by the messengers: a file for each monthly report that somebody has got

# nightflow and the learning of criteria; people edit the calendar's two files in the same folder
NIGHT_STATE_FILE = "night_state.json"
CRITERIA_FOLDER = "criteria"
CRITERIA_LEARNING_FILE = "criteria_learning.json"

# The forecaster
FORECAST_FILE = "sensor_data.csv"
MODELS_FOLDER = "models"
LEARNING_FOLDER = "learning"  # of a center: weights that are not published yet

# People, by `hydrolog weather`, and the group "server" from the answers of its server
WEATHER_FILE = "weather.csv"

# hydrolog-server
SILENT_BOXES_FILE = "silent_boxes.json"
RESENDING_FILE = "resending.json"
CERTIFICATE_FOLDER = "certificate"  # written by `hydrolog certificate`

# Every process, and the embedded database
HEALTH_FOLDER = "health"
ROLES_FOLDER = "roles"
POSTGRES_FOLDER = "postgres"
POSTGRES_URL_FILE = "postgres.url"
