package backend

import (
	"context"
	"database/sql"
)

// TakeOrder runs in one transaction with what the payment does. Only the first of two requests at once changes a row.
// False means that the order is paid already, or somebody else's: refuse the result.
func TakeOrder(ctx context.Context, tx *sql.Tx, orderID, userID int64) (bool, error) {
	done, err := tx.ExecContext(ctx,
		`UPDATE orders SET state = 'paid' WHERE id = $1 AND user_id = $2 AND state = 'open'`, orderID, userID)
	if err != nil {
		return false, err
	}
	rows, err := done.RowsAffected()
	return rows == 1, err
}
