# Table `phones`: cpu_id (primary key), highest (BIGINT). The row of a new phone begins with -1.
# Only after the signature was verified. The condition and the change are one statement.
def spend_counter(connection, cpu_id: str, counter: int) -> bool:
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO phones (cpu_id, highest) VALUES (%s, -1) ON CONFLICT DO NOTHING", (cpu_id,)
        )
        cursor.execute(
            "UPDATE phones SET highest = %s WHERE cpu_id = %s AND highest < %s", (counter, cpu_id, counter)
        )
        return cursor.rowcount == 1  # otherwise the result is a replay: refuse it
