package backend

import (
	"context"
	"database/sql"
)

// SpendCounter is called only after the signature was verified. Table phones: cpu_id (primary key), highest (BIGINT).
// The condition and the change are one statement. False means a replay: refuse it.
func SpendCounter(ctx context.Context, db *sql.DB, cpuID string, counter int64) (bool, error) {
	_, err := db.ExecContext(ctx, `INSERT INTO phones (cpu_id, highest) VALUES ($1, -1) ON CONFLICT DO NOTHING`, cpuID)
	if err != nil {
		return false, err
	}
	done, err := db.ExecContext(ctx, `UPDATE phones SET highest = $2 WHERE cpu_id = $1 AND highest < $2`, cpuID, counter)
	if err != nil {
		return false, err
	}
	rows, err := done.RowsAffected()
	return rows == 1, err
}
