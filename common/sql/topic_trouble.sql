-- Something went wrong in a partition (again): add the messages that it concerns.
INSERT INTO KAFKA_TROUBLE_TB AS known (topic_id, partition, code, topic, messages)
VALUES (%(topic_id)s, %(partition)s, %(code)s, %(topic)s, %(messages)s)
ON CONFLICT (topic_id, partition, code)
DO UPDATE SET messages = known.messages + excluded.messages, latest = now()
