// Table `phones`: cpu_id (primary key), highest (BIGINT). `db` is that of `pg`; the row of a new phone begins with -1.
// Only after the signature was verified. The condition and the change are one statement.
export async function spendCounter(db, cpuId, counter) {
  await db.query('INSERT INTO phones (cpu_id, highest) VALUES ($1, -1) ON CONFLICT DO NOTHING', [cpuId]);
  const { rowCount } = await db.query(
    'UPDATE phones SET highest = $2 WHERE cpu_id = $1 AND highest < $2',
    [cpuId, String(counter)],
  );
  return rowCount === 1; // otherwise the result is a replay: refuse it
}
