-- To the transaction's end: a holder that is gone or stands still is noticed by the server, which then ends its transaction.
SELECT set_config('idle_in_transaction_session_timeout', %(idle)s, true), set_config('tcp_keepalives_idle', '10', true),
       set_config('tcp_keepalives_interval', '5', true), set_config('tcp_keepalives_count', '3', true),
       set_config('tcp_user_timeout', '30000', true), set_config('client_connection_check_interval', '5000', true)
